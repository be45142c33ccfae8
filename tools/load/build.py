"""The generator is C: it has to cost less than what it measures. Built by the local compiler at first use."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "source"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror=implicit-function-declaration")


class CannotBuild(Exception):
    """No compiler, or it refused the sources; the text says which and what to do."""


def cache_folder() -> Path:
    """Where programs built at run time are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cordboard"


def built() -> Path:
    """The generator's executable, compiled unless the same sources were compiled before."""
    sources = sorted(SOURCE.glob("*.[ch]"))
    digest = hashlib.sha256(" ".join(FLAGS).encode() + b"".join(path.read_bytes() for path in sources))
    program = cache_folder() / f"rtpload-{digest.hexdigest()[:16]}"
    if not program.exists():
        _compile([path for path in sources if path.suffix == ".c"], program)
    return program


def _compile(sources: list[Path], program: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        raise CannotBuild("the load generator needs a C compiler: install gcc or clang so that `cc` is found")
    program.parent.mkdir(parents=True, exist_ok=True)
    unfinished = program.with_suffix(f".{os.getpid()}")
    command = [compiler, *FLAGS, "-o", str(unfinished), *map(str, sources), "-lm"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise CannotBuild(f"{compiler} could not build the load generator:\n{outcome.stderr}")
    unfinished.rename(program)  # two that build at once both end with a whole file
