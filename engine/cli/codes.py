"""Exit codes, as the README promises them."""

STOPPED = 0
"""Drained and stopped; or, of `check`, nothing wrong."""
FAULTY = 1
"""The configuration has faults; each was printed."""
USAGE = 2
"""The command line was wrong (typer's own)."""
CANNOT_START = 3
"""An address is taken, a store cannot be opened, the media processes do not start."""
CUT_OFF = 4
"""Stopped with calls still up: a second signal, or the drain limit."""
