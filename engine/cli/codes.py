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
UNREACHABLE = 3
"""Of status, calls, queues, agents: no engine answers at the URL."""
REFUSED = 4
"""Of the same: the engine refused: no token, a role that may not, too many requests."""
