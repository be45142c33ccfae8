"""`python -m tools.softphone`: the same as `cordboard softphone`."""

import typer

from tools.softphone.command import command

typer.run(command)
