"""The deployment: shown without its secrets, a new one checked, the file read again."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from config.built import unbuilt
from config.faults import Fault, Faults, dotted
from engine.deployment.reload import Reloaded
from engine.deployment.source import Source
from engine.web.api.problem import FaultView, Problem
from engine.web.api.route import Call, Route
from engine.web.api.tokens import ADMIN


class ConfigurationView(msgspec.Struct, kw_only=True):
    """What is in force."""

    settings: dict[str, Any]
    """Every section as the YAML writes it, defaults included; secrets are asterisks."""
    not_built: list[str]
    """Keys that ask for something this version does not do."""


class ChangeView(msgspec.Struct, kw_only=True):
    """One key that is different."""

    key: str
    before: str | None
    after: str | None


class CheckConfiguration(msgspec.Struct, forbid_unknown_fields=True):
    """A deployment in one document."""

    yaml: str


class ChecksView(msgspec.Struct, kw_only=True):
    """What is wrong with a deployment, or what it would change."""

    faults: list[FaultView]
    changes: list[ChangeView]
    restart_needed: list[str]
    """Of the changed keys, those that need a restart."""


class ReloadedView(msgspec.Struct, kw_only=True):
    """What is different now."""

    changes: list[ChangeView]
    restart_needed: list[str]
    """Of the changed keys, those that wait for a restart."""


async def show_configuration(call: Call) -> ConfigurationView:
    settings = call.office.settings
    return ConfigurationView(settings=settings.model_dump(mode="json"), not_built=unbuilt(settings))


async def check_configuration(call: Call) -> ChecksView:
    """Nothing is put in force. Secrets and files are looked up as for the deployment's own file."""
    reloader, source = call.office.reloader, _source(call)
    try:
        new = await asyncio.get_running_loop().run_in_executor(None, source.parse, call.body.yaml)
    except Faults as faults:
        return ChecksView(faults=[_fault(fault) for fault in faults.items], changes=[], restart_needed=[])
    view = seen(reloader.compare(new))
    return ChecksView(faults=[], changes=view.changes, restart_needed=view.restart_needed)


async def reload_configuration(call: Call) -> ReloadedView:
    """Calls go on; what is different applies to new ones. With a fault nothing changes."""
    source = _source(call)
    call.audit("config.reload", str(source.path))
    result = await call.office.reloader.reload("api")
    if result.faults:
        raise Problem(
            422,
            "the deployment has faults; the one before stays in force",
            allowed="what each fault says",
            kind="faults",
            faults=[_fault(fault) for fault in result.faults],
        )
    return seen(result)


def _source(call: Call) -> Source:
    source = call.office.reloader.source
    if source is None:
        raise Problem(409, "this engine was not started from a file", allowed="a restart")
    return source


def _fault(fault: Fault) -> FaultView:
    return FaultView(where=str(fault.mark), message=fault.message, allowed=fault.allowed)


def seen(result: Reloaded) -> ReloadedView:
    return ReloadedView(
        changes=[
            ChangeView(key=dotted(change.key), before=change.before, after=change.after)
            for change in result.changes
        ],
        restart_needed=list(result.restart_needed),
    )


ROUTES = (
    Route(
        "GET",
        "/config",
        "showConfiguration",
        "The deployment in force, without its secrets",
        ADMIN,
        show_configuration,
        ConfigurationView,
    ),
    Route(
        "POST",
        "/config/check",
        "checkConfiguration",
        "What is wrong with a deployment, or what it would change",
        ADMIN,
        check_configuration,
        ChecksView,
        body=CheckConfiguration,
        faults=(409,),
    ),
    Route(
        "POST",
        "/config/reload",
        "reloadConfiguration",
        "Read the deployment again and put it in force",
        ADMIN,
        reload_configuration,
        ReloadedView,
        faults=(409, 422),
    ),
)
