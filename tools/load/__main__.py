"""`python -m tools.load`: place calls through a trunk, answer them as agents, and check every voice."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer
from rich.console import Console

from tools.load.build import CannotBuild, built
from tools.load.report import read, show


def main(
    peer: Annotated[str, typer.Option(help="The server's SIP address, host:port, UDP.")] = "127.0.0.1:5060",
    to: Annotated[str, typer.Option(help="The number that is called.")] = "+442071230001",
    calls: Annotated[int, typer.Option(min=1, help="Calls held at the same time.")] = 1,
    cps: Annotated[float, typer.Option(min=0.1, help="Calls placed, and later ended, per second.")] = 20,
    seconds: Annotated[
        int, typer.Option(min=1, help="How long voices are measured, with all calls up.")
    ] = 10,
    settle: Annotated[int, typer.Option(min=0, help="Seconds between the last bridge and measuring.")] = 2,
    setup_timeout: Annotated[
        int, typer.Option(min=1, help="Seconds to wait for the last call's bridge.")
    ] = 30,
    answer_after: Annotated[int, typer.Option(min=0, help="Milliseconds an agent's phone rings.")] = 0,
    trunk_address: Annotated[str, typer.Option(help="Where callers come from.")] = "127.0.0.2:5080",
    agents_address: Annotated[str, typer.Option(help="Where the agents' phones are.")] = "127.0.0.3:5090",
    domain: Annotated[str, typer.Option(help="The domain agents register in.")] = "acme.test",
    agents: Annotated[str, typer.Option(help="Agents with passwords: anna:secret,bob:secret.")] = "",
    agent_prefix: Annotated[str, typer.Option(help="More agents: this and 0, 1, 2 ...")] = "load",
    agent_count: Annotated[int, typer.Option(min=0, help="... as many as this ...")] = 0,
    agent_password: Annotated[str, typer.Option(help="... who share this password.")] = "",
    caller_prefix: Annotated[
        str, typer.Option(help="Callers' numbers begin so; six digits follow.")
    ] = "+44790",
    trunk_user: Annotated[str, typer.Option(help="Answers a challenge of the trunk's calls.")] = "",
    trunk_password: Annotated[str, typer.Option(help="Its password.")] = "",
    rtp_port: Annotated[int, typer.Option(min=1024, max=45000, help="First RTP port of 20000.")] = 40000,
    pid: Annotated[list[str] | None, typer.Option(help="Watch a process: name=pid. Repeatable.")] = None,
    alaw: Annotated[bool, typer.Option(help="PCMA instead of PCMU.")] = False,
    register: Annotated[
        bool, typer.Option(help="Off: the server calls the agents' address by itself.")
    ] = True,
    precedence: Annotated[bool, typer.Option(help="Real-time scheduling or niceness, if permitted.")] = True,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Stages; twice: every message.")
    ] = 0,
) -> None:
    """Hold calls through a server and check who hears whom. Exit 0 if every call was bridged and right."""
    words = {
        "peer": peer,
        "to": to,
        "calls": calls,
        "cps": cps,
        "seconds": seconds,
        "settle": settle,
        "setup-timeout": setup_timeout,
        "answer-after": answer_after,
        "trunk-address": trunk_address,
        "agents-address": agents_address,
        "domain": domain,
        "agents": agents,
        "agent-prefix": agent_prefix,
        "agent-count": agent_count,
        "agent-password": agent_password,
        "caller-prefix": caller_prefix,
        "trunk-user": trunk_user,
        "trunk-password": trunk_password,
        "rtp-port": rtp_port,
    }
    command = [f"--{name}={value}" for name, value in words.items() if value != ""]
    command += [f"--pid={watched}" for watched in pid or ()]
    command += (
        ["--alaw"] * alaw
        + ["--no-register"] * (not register)
        + ["--ordinary"] * (not precedence)
        + ["--verbose"] * verbose
    )
    raise typer.Exit(_run(command, json))


def _run(words: list[str], as_json: bool) -> int:
    console = Console()
    try:
        program = built()
    except CannotBuild as fault:
        typer.echo(str(fault), err=True)
        return 2
    outcome = subprocess.run([program, *words], stdout=subprocess.PIPE, check=False)
    if outcome.returncode != 0:
        return outcome.returncode
    report = read(outcome.stdout)
    if as_json:
        sys.stdout.write(outcome.stdout.decode())
    else:
        show(report, console)
    return 1 if report.faults else 0


if __name__ == "__main__":
    typer.run(main)
