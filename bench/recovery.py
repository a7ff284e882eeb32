"""`python -m bench.recovery`: how long a run stands still when its worker is killed, by the lease that the worker had.

Two workers and the timers, each a process; the worker that holds the stage is killed (SIGKILL, all its processes), and another one is
started in its place. Writes bench/results/recovery.{json,md}.
"""

import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

from bench.machine import machine, publish
from bench.runtime_peers.mortal.graph import GRAPH
from bench.served import own_redis, python, stop, worker
from saltern_runtime.engine.service import Service
from saltern_runtime.settings import Settings
from tests.support.until import until

LEASES = (1.0, 2.0, 5.0, 15.0)
KILLS = 8
"""Of each lease."""


def main() -> None:
    with own_redis(), tempfile.TemporaryDirectory(prefix="saltern-bench-") as folder:
        rows = {lease: measure(lease, Path(folder)) for lease in LEASES}
    report(rows)


def measure(lease: float, folder: Path, kills: int = KILLS) -> list[float]:
    """Kill workers so often, and return for each the seconds from its death to the end of its run."""
    env = {"SALTERN_BENCH_FOLDER": str(folder), "SALTERN_LEASE": f"{lease}"}
    service = Service(GRAPH, Settings.from_env({**os.environ, **env}))
    timers = python("saltern_runtime.timers", "bench.runtime_peers.mortal", **env)
    workers = [worker("mortal", 1, **env) for _ in range(2)]
    found = []
    try:
        for number in range(kills):
            name = f"{lease:g}-{number}"
            run_id = service.start(name, tenant="bench", trigger="api").run_id
            mark = folder / name
            assert until(mark.exists, 60)
            holder = next(each for each in workers if each.pid == int(mark.read_text()))
            time.sleep(
                number / kills
            )  # a lease is prolonged while it is held: the moment of death is not always the same
            os.killpg(holder.pid, signal.SIGKILL)
            died = time.monotonic()
            assert service.wait(run_id, lease + 60).state == "SUCCEEDED"
            found.append(time.monotonic() - died)
            holder.wait()
            workers[workers.index(holder)] = worker("mortal", 1, **env)
    finally:
        for each in (*workers, timers):
            stop(each)
        service.close()
    return found


def report(rows: dict[float, list[float]]) -> None:
    where = machine("celery", "kombu", "redis")
    lines = [
        "# A run whose worker is killed",
        "",
        f"By `python -m bench.recovery`: two workers and the timers; the one that holds the run's stage is killed, {KILLS} times with each lease.",
        "Seconds from its death to the end of the run, which another one goes on with.",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| lease | least | middle | most | most, over the lease |",
        "| ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {lease:g} s | {min(each):.2f} | {statistics.median(each):.2f} | {max(each):.2f} | {max(each) - lease:+.2f} |"
            for lease, each in rows.items()
        ),
    ]
    publish("recovery", lines, {"machine": where, "rows": {f"{lease:g}": each for lease, each in rows.items()}})


if __name__ == "__main__":
    main()
