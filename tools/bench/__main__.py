"""`python -m tools.bench NAME`: one JSON object of figures, or a table for people."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from typing import Any

import structlog

from tools.bench import api, media, restart, sip, store

Figures = dict[str, Any]
Benches = Any
"""What argparse gives for sub-commands; its type has no public name."""


def main(words: list[str]) -> None:
    """Run the bench that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    benches = parser.add_subparsers(dest="bench", required=True)
    for offer in (_media, _store, _restart, _api, _sip):
        offer(benches).add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args(words)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    show(asked.run(asked), asked.json)


def _media(benches: Benches) -> argparse.ArgumentParser:
    bench = _bench(benches, "media", "legs of G.711 through the media plane, beside a loop in C", _run_media)
    bench.add_argument("--legs", type=int, default=500)
    bench.add_argument("--seconds", type=float, default=10.0)
    bench.add_argument("--workers", type=int, default=1)
    bench.add_argument("--jitter", type=int, default=0, metavar="MS", help="of the generator's packets")
    bench.add_argument(
        "--mix", type=int, default=0, metavar="N", help="N legs in conferences, beside N in pairs"
    )
    bench.add_argument("--parties", type=int, default=3, help="legs in each of those conferences")
    bench.add_argument("--no-record", dest="record", action="store_false")
    return bench


def _run_media(asked: argparse.Namespace) -> Figures:
    _need("cc", "gcc or clang, so that `cc` is found")
    if asked.mix:
        whole = asked.mix - asked.mix % (2 * asked.parties)
        load = media.Load(whole, asked.seconds, asked.workers, asked.jitter, asked.record, asked.parties)
        return media.conferences(load)
    return media.run(media.Load(asked.legs, asked.seconds, asked.workers, asked.jitter, asked.record))


def _store(benches: Benches) -> argparse.ArgumentParser:
    about = "what calls write, late and committed, to SQLite and PostgreSQL"
    bench = _bench(benches, "store", about, lambda asked: store.run(asked.calls, asked.url))
    bench.add_argument("--calls", type=int, default=12_500)
    bench.add_argument("--url", default="", help="a PostgreSQL that is empty; else one is started for it")
    return bench


def _restart(benches: Benches) -> argparse.ArgumentParser:
    about = "from start to ready, with a long journal and calls cut off"
    bench = _bench(benches, "restart", about, lambda asked: restart.run(asked.conversations, asked.cut_off))
    bench.add_argument("--conversations", type=int, default=100_000)
    bench.add_argument("--cut-off", type=int, default=200, help="of them, without an end")
    return bench


def _api(benches: Benches) -> argparse.ArgumentParser:
    about = "requests a second during bridged calls, and what they do to the tick"
    bench = _bench(benches, "api", about, _run_api)
    bench.add_argument("--calls", type=int, default=50)
    bench.add_argument("--rate", type=float, default=200.0, help="requests a second")
    bench.add_argument("--seconds", type=float, default=15.0, help="with requests; as many before without")
    return bench


def _run_api(asked: argparse.Namespace) -> Figures:
    _need("cc", "gcc or clang, so that `cc` is found")
    return api.run(asked.calls, asked.rate, asked.seconds)


def _sip(benches: Benches) -> argparse.ArgumentParser:
    about = "CPU of a call, and calls per second that are held, with SIPp as load"
    bench = _bench(benches, "sip", about, _run_sip)
    bench.add_argument("--kind", choices=["uas", "b2bua", "both"], default="both")
    bench.add_argument("--rate", type=int, default=100, help="calls per second at which CPU is measured")
    bench.add_argument("--seconds", type=int, default=10)
    bench.add_argument("--no-climb", dest="climb", action="store_false", help="leave out how many are held")
    return bench


def _run_sip(asked: argparse.Namespace) -> Figures:
    _need("sipp", "Debian's sip-tester, or put `sipp` on the path")
    kinds = ["uas", "b2bua"] if asked.kind == "both" else [asked.kind]
    return sip.run(kinds, asked.rate, asked.seconds, asked.climb)


def _bench(
    benches: Benches, name: str, about: str, run: Callable[[argparse.Namespace], Figures]
) -> argparse.ArgumentParser:
    bench: argparse.ArgumentParser = benches.add_parser(name, help=about)
    bench.set_defaults(run=run)
    return bench


def _need(program: str, install: str) -> None:
    if shutil.which(program) is None:
        sys.exit(f"this bench needs {program}: install {install}")


def show(figures: Figures, as_json: bool) -> None:
    """Print figures."""
    if as_json:
        print(json.dumps(figures))
        return
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:{width}}  {value}")


if __name__ == "__main__":
    main(sys.argv[1:])
