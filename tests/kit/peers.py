"""SIPp: callers and agents' phones that follow a scenario of tests/wire/scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.sip.flow import bracketed
from tests.kit.ports import Kind, free_ports, opened
from tests.kit.program import Program, running
from tests.kit.tone import tone, write_ulaw
from tools.bench.postgres import located

SCENARIOS = Path(__file__).parent.parent / "wire" / "scenarios"
Address = tuple[str, int]


def found(program: str) -> str:
    """Where a peer is installed; tests that need one carry @pytest.mark.peer(program)."""
    path = located(program)
    assert path is not None, f"{program} is not installed"
    return path


@dataclass
class Sipp:
    """A running scenario."""

    scenario: str
    program: Program
    address: Address
    errors: Path

    async def succeeded(self, within: float = 20.0) -> None:
        """Returns when all its calls went as the scenario says; else fails with SIPp's own words."""
        code = await self.program.ended(within)
        said = self.errors.read_text() if self.errors.exists() else "nothing"
        assert code == 0, f"scenario {self.scenario} ended with {code}; SIPp says:\n{said}"


@asynccontextmanager
async def sipp(
    scenario: str,
    folder: Path,
    *,
    host: str,
    port: int | None = None,
    to: Address | None = None,
    service: str = "nobody",
    hertz: float = 1000.0,
    seconds: float = 3.0,
    calls: int = 1,
    per_second: float = 10.0,
    password: str | None = None,
    keys: Mapping[str, str] | None = None,
    transport: Kind = "udp",
    media: str | None = None,
) -> AsyncIterator[Sipp]:
    """Run a scenario from `host`; without `to` it waits for calls, and its port is open once this is entered.

    `hertz` is the tone it speaks, `seconds` how long its calls last, `service` the user part it calls, or whom
    `password` is of, `keys` what the scenario's own [words] stand for, `media` where its RTP is if not at `host`.
    """
    own = folder / f"sipp-{scenario}-{host.replace(':', '-')}-{free_ports(host)}"
    own.mkdir(parents=True)
    write_ulaw(own / "voice.ulaw", tone(hertz, 10))
    port = free_ports(host) if port is None else port
    media = media or host
    rtp = free_ports(media, 4)
    errors = own / "errors.log"
    words: list[str | Path] = [
        found("sipp"),
        *([f"{bracketed(to[0])}:{to[1]}"] if to else []),
        "-sf",
        SCENARIOS / f"{scenario}.xml",
    ]
    words += ["-i", host, "-p", str(port), "-mi", media, "-mp", str(rtp), "-nostdin"]
    words += ["-m", str(calls), "-r", str(per_second), "-d", str(round(seconds * 1000)), "-s", service]
    words += ["-t", "t1" if transport == "tcp" else "u1"]
    words += ["-trace_err", "-error_file", errors]
    if password is not None:
        realm = (keys or {})["domain"]
        words += ["-au", service, "-ap", password, "-auth_uri", realm]  # its own digest names the address
    for key, value in (keys or {}).items():
        words += ["-key", key, value]
    async with running(*words, cwd=own) as program:
        if transport == "udp" or to is None:
            await opened(transport, host, port, program)
        yield Sipp(scenario, program, (host, port), errors)


async def register(
    folder: Path, agent: str, password: str, *, host: str, port: int, to: Address, domain: str
) -> None:
    """Register an agent's phone at host:port with digest, so that the next scenario there gets its calls."""
    keys = {"agent": agent, "domain": domain}
    async with sipp(
        "agent_registers", folder, host=host, port=port, to=to, service=agent, password=password, keys=keys
    ) as registration:
        await registration.succeeded()


@asynccontextmanager
async def sipp_agent(
    scenario: str,
    folder: Path,
    agent: str,
    password: str,
    *,
    host: str,
    to: Address,
    domain: str,
    hertz: float = 600.0,
) -> AsyncIterator[Sipp]:
    """An agent's phone that is registered and follows a scenario for its first call."""
    port = free_ports(host)
    await register(folder, agent, password, host=host, port=port, to=to, domain=domain)
    async with sipp(scenario, folder, host=host, port=port, hertz=hertz, keys={"agent": agent}) as phone:
        yield phone
