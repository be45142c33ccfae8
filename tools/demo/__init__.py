"""`cordboard demo`: a whole contact centre on this machine, with scripted agents and callers."""

from tools.demo.command import command

__all__ = ["command"]
