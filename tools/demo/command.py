"""The command line of the demo."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import config
from config.load import load
from tools.demo.centre import DemoFailed, run_demo
from tools.demo.summary import Summary

DEPLOYMENT = Path(config.__file__).parent / "demo"
out = Console(highlight=False)


def command(
    seconds: Annotated[
        float | None, typer.Option(min=5, help="Stop by itself after so long; without, until Ctrl-C.")
    ] = None,
) -> None:
    """Run the demo: the engine, two agents' phones and a stream of callers. Exit 0 if it went well."""
    settings = load(DEPLOYMENT, {})
    try:
        summary = asyncio.run(run_demo(DEPLOYMENT, settings, seconds, out))
    except DemoFailed as failed:
        out.print(str(failed), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    report(summary)
    raise typer.Exit(0 if summary.good else 1)


def report(summary: Summary) -> None:
    """What happened, as a person wants to read it."""
    out.print()
    out.print(f"calls offered {summary.offered}, answered {summary.answered}, abandoned {summary.abandoned}")
    out.print(f"recordings {len(summary.recordings)}, in {summary.folder}", soft_wrap=True)
    for path, why in summary.faulty:
        out.print(f"[red]{path.name} does not play: {why}[/red]", soft_wrap=True)
    if not summary.answered:
        out.print("[red]no call was answered[/red]")
    if summary.exit_code:
        out.print(f"[red]the engine ended with exit code {summary.exit_code}, see README[/red]")
