"""`python -m tools.demo`: the same as `cordboard demo`."""

import typer

from tools.demo.command import command

typer.run(command)
