"""`make chaos`: thousands of runs of a compiled pipeline over HTTP, while everything under it is killed, stopped, cut off, skewed, slowed and filled.

Exit code 0: every promise was kept. 1: the broken ones are named, and the folder of logs is kept.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from tests.chaos.storm.storm import Storm

RUNS = 10_000 / 30
"""Runs a minute, where nothing else is said: as far as the machine keeps up."""


def main() -> int:
    """Read the options, let the storm pass, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long the storm lasts (default: 30)")
    parser.add_argument("--seed", type=int, help="of the faults and the runs (default: another one each time)")
    parser.add_argument("--runs", type=int, help="runs in all, at most (default: 10,000 in 30 minutes)")
    parser.add_argument("--gap", type=float, help="seconds between two faults (default: 5, less in a short storm)")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    seconds = given.minutes * 60
    runs = max(1, round(given.minutes * RUNS)) if given.runs is None else given.runs
    signal.signal(signal.SIGTERM, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="saltern-chaos-"))
    storm = Storm(seed, seconds, runs, given.gap or min(5.0, max(1.0, seconds / 40)), folder)
    try:
        report = storm.pass_by(lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print(f"seed {seed}: ended early; logs are in {folder}", flush=True)
        return 130
    except BaseException:
        print(f"seed {seed}; logs are in {folder}", flush=True)
        raise
    print(report.table())
    if report.broken:
        print(f"\n{len(report.broken)} promises are broken:")
        print("\n".join(f"  {each}" for each in report.broken[:50]))
        print(f"seed {seed}; logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    print(f"seed {seed}: every promise was kept")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
