"""cordboard: run, check, and the commands that others add by entry point (demo, softphone)."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from config.built import spoken_prompts
from config.faults import Faults
from config.load import load
from config.settings import Settings
from engine.cli import codes

app = typer.Typer(
    name="cordboard",
    help="A contact-centre voice engine that speaks SIP and RTP itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
LOOKS = ("status", "calls", "queues", "agents")
"""Commands that ask a running engine."""
out, err = Console(), Console(stderr=True)


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", help="The deployment: a YAML file, or a folder of them.")
]


def read(path: Path, unset: list[str] | None = None) -> Settings:
    """The deployment, or every fault in it on stderr and exit code 1."""
    try:
        return load(path, os.environ, unset=unset)
    except Faults as faults:
        for fault in faults.items:
            err.print(str(fault), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(codes.FAULTY) from None


@app.command()
def check(config: ConfigPath) -> None:
    """Say everything that is wrong with a deployment, and what is allowed. Exit code 1 if anything is.

    Secrets in environment variables that are not set here are named; to `run` they are faults.
    """
    unset: list[str] = []
    settings = read(config, unset)
    for name in dict.fromkeys(unset):
        err.print(f"the environment variable {name} is not set here; run needs it", highlight=False)
    out.print(
        f"{config}: {len(settings.queues)} queues, {len(settings.agents)} agents, "
        f"{len(settings.numbers)} numbers, {len(settings.trunks)} trunks: nothing wrong",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def run(
    config: ConfigPath,
    drain: Annotated[
        float, typer.Option(min=0, help="Seconds that calls may go on after SIGTERM before they are ended.")
    ] = 30.0,
    log: Annotated[
        LogFormat | None, typer.Option(help="json or console, whatever the deployment says.")
    ] = None,
) -> None:
    """Run the engine. SIGTERM drains, a second one stops at once."""
    from engine.cli.daemon import run_daemon  # the engine itself is needed by no other command
    from engine.deployment.source import Source

    settings = read(config)
    unspoken(settings)
    raise typer.Exit(
        run_daemon(
            settings,
            Source(config, os.environ),
            drain,
            log.value if log is not None else settings.logging.format,
        )
    )


def unspoken(settings: Settings) -> None:
    """Refuse to run with prompts that would have to be spoken."""
    spoken = spoken_prompts(settings)
    for prompt in spoken:
        err.print(
            f"{settings.where(*prompt.key)}: text-to-speech is not built yet; allowed: {{audio: PATH}}, or nothing",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if spoken:
        raise typer.Exit(codes.FAULTY)


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if wanted in (*LOOKS, "--help"):
        from engine.cli.look import COMMANDS, spelled_out  # its HTTP client is needed by no other command

        for command in COMMANDS:
            app.command()(command)
        sys.argv = spelled_out(sys.argv)
    for point in sorted(metadata.entry_points(group="cordboard.commands"), key=lambda point: point.name):
        if wanted in (point.name, "--help"):  # the others need not be imported
            app.command(name=point.name)(point.load())
    app()
