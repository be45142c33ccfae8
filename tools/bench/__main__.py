"""`python -m tools.bench NAME`: one JSON object of figures, or a table for people."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from typing import Any

import structlog

from tools.bench import api, media, restart, sip, store


def main(words: list[str]) -> None:
    """Run the bench that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    benches = parser.add_subparsers(dest="bench", required=True)
    bench = benches.add_parser("media", help="legs of G.711 through the media plane, beside a loop in C")
    bench.add_argument("--legs", type=int, default=500)
    bench.add_argument("--seconds", type=float, default=10.0)
    bench.add_argument("--workers", type=int, default=1)
    bench.add_argument("--jitter", type=int, default=0, metavar="MS", help="of the generator's packets")
    bench.add_argument(
        "--mix", type=int, default=0, metavar="N", help="N legs in conferences, beside N in pairs"
    )
    bench.add_argument("--parties", type=int, default=3, help="legs in each of those conferences")
    bench.add_argument("--no-record", dest="record", action="store_false")
    bench.add_argument("--json", action="store_true", help="one JSON object")
    bench = benches.add_parser("store", help="what calls write, late and committed, to SQLite and PostgreSQL")
    bench.add_argument("--calls", type=int, default=12_500)
    bench.add_argument("--url", default="", help="a PostgreSQL that is empty; else one is started for it")
    bench.add_argument("--json", action="store_true", help="one JSON object")
    bench = benches.add_parser("restart", help="from start to ready, with a long journal and calls cut off")
    bench.add_argument("--conversations", type=int, default=100_000)
    bench.add_argument("--cut-off", type=int, default=200, help="of them, without an end")
    bench.add_argument("--json", action="store_true", help="one JSON object")
    bench = benches.add_parser(
        "api", help="requests a second during bridged calls, and what they do to the tick"
    )
    bench.add_argument("--calls", type=int, default=50)
    bench.add_argument("--rate", type=float, default=200.0, help="requests a second")
    bench.add_argument("--seconds", type=float, default=15.0, help="with requests; as many before without")
    bench.add_argument("--json", action="store_true", help="one JSON object")
    bench = benches.add_parser(
        "sip", help="CPU of a call, and calls per second that are held, with SIPp as load"
    )
    bench.add_argument("--kind", choices=["uas", "b2bua", "both"], default="both")
    bench.add_argument("--rate", type=int, default=100, help="calls per second at which CPU is measured")
    bench.add_argument("--seconds", type=int, default=10)
    bench.add_argument("--no-climb", dest="climb", action="store_false", help="leave out how many are held")
    bench.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args(words)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if asked.bench == "store":
        show(store.run(asked.calls, asked.url), asked.json)
        return
    if asked.bench == "sip":
        if shutil.which("sipp") is None:
            sys.exit("the sip bench needs SIPp: install Debian's sip-tester, or put `sipp` on the path")
        kinds = ["uas", "b2bua"] if asked.kind == "both" else [asked.kind]
        show(sip.run(kinds, asked.rate, asked.seconds, asked.climb), asked.json)
        return
    if asked.bench == "restart":
        show(restart.run(asked.conversations, asked.cut_off), asked.json)
        return
    if shutil.which("cc") is None:
        sys.exit(f"the {asked.bench} bench needs a C compiler: install gcc or clang so that `cc` is found")
    if asked.bench == "api":
        show(api.run(asked.calls, asked.rate, asked.seconds), asked.json)
        return
    if asked.mix:
        whole = asked.mix - asked.mix % (2 * asked.parties)
        load = media.Load(whole, asked.seconds, asked.workers, asked.jitter, asked.record, asked.parties)
        show(media.conferences(load), asked.json)
        return
    load = media.Load(asked.legs, asked.seconds, asked.workers, asked.jitter, asked.record)
    show(media.run(load), asked.json)


def show(figures: dict[str, Any], as_json: bool) -> None:
    """Print figures."""
    if as_json:
        print(json.dumps(figures))
        return
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:{width}}  {value}")


if __name__ == "__main__":
    main(sys.argv[1:])
