"""`make equivalence`: as many random pipelines as one wants, at every level; stops at the first that differs, made small."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.equivalence.covering import CONSTRUCTS
from tests.equivalence.drawing import Drawn
from tests.equivalence.exploring import Covered, compare, explore
from tests.equivalence.running import OPTIMIZED, Engines
from tests.support.redis import RedisServer

EVERY = 250
"""Pipelines after which a line says how far it is."""


def main() -> int:
    """Draw, compare and tell; 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.equivalence", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="pipelines (default: 2000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first thousand; the next ones follow (default: 1)")
    parser.add_argument(
        "--levels", default=",".join(map(str, OPTIMIZED)), help="levels that each runs at (default: all)"
    )
    given = parser.parse_args()
    levels = tuple(int(level) for level in given.levels.split(","))
    logging.disable(logging.CRITICAL)
    sys.dont_write_bytecode = True
    covered, began = Covered(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="saltern-redis-"))
    server = RedisServer(folder)
    server.start()
    engines = Engines(server.url)

    def each(one: Drawn) -> None:
        compare(one, engines, levels, covered)
        if covered.pipelines % EVERY == 0:
            print(f"{covered.pipelines} pipelines after {time.monotonic() - began:.0f} s", flush=True)

    print(f"{given.count} pipelines from seed {given.seed} on, at {', '.join(f'-O{level}' for level in levels)}")
    try:
        explore(given.count, given.seed, each)
    except AssertionError as error:
        print(f"after {covered.pipelines} pipelines, this one differs:\n{error}")
        return 1
    finally:
        engines.close()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    _tell(covered, time.monotonic() - began)
    return 0


def _tell(covered: Covered, seconds: float) -> None:
    print(f"{covered.pipelines} pipelines in {seconds:.0f} s, no difference")
    print(f"runs: {_listed(covered.states)}; ways that they could go: {_listed(covered.worlds)}")
    print(f"deep: {_listed({str(depth): count for depth, count in sorted(covered.depths.items())})}\n")
    print(f"{'construct':<28}{'pipelines':>10}")
    for name in CONSTRUCTS:
        print(f"{name:<28}{covered.constructs[name]:>10}")
    inner = sorted({name for nest in covered.nests for name in nest})
    outer = [name for name in inner if any(nest[0] == name for nest in covered.nests)]
    print(f"\n{'right inside of':<16}" + "".join(f"{name[:10]:>11}" for name in outer))
    for name in inner:
        print(f"{name:<16}" + "".join(f"{covered.nests[around, name]:>11}" for around in outer))


def _listed(counts: Mapping[str, int] | Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
