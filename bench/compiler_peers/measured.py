"""What every contender does: compile one shape at one size some times, then print what that took as a line of JSON.

Stands on the standard library alone, since the peers have an environment of their own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable


def main(compile_shape: Callable[[str, int], object]) -> None:
    """Read `SHAPE NODES ROUNDS SECONDS`: the best of `ROUNDS`, of fewer where these are over after so many seconds.

    `cpu` and `wall` are seconds of the round with the least processor time, `peak_mb` the most that the process ever held.
    `fresh` are those of the process until ten nodes are compiled for the first time: with Python's start and all imports.
    """
    shape, nodes, rounds, seconds = sys.argv[1], *map(int, sys.argv[2:5])
    compile_shape(shape, 10)  # what is loaded and built once is of every size
    fresh = time.process_time()
    before = _peak_mb()
    begun = time.perf_counter()
    best = (float("inf"), float("inf"))
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        compile_shape(shape, nodes)
        best = min(best, (time.process_time() - cpu, time.perf_counter() - wall))
        if time.perf_counter() - begun > seconds:
            break
    print(json.dumps({"cpu": best[0], "wall": best[1], "peak_mb": _peak_mb(), "loaded_mb": before, "fresh": fresh}))


def _peak_mb() -> float:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1024 * 1024 if sys.platform == "darwin" else 1024)
