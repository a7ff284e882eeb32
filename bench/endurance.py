"""`python -m bench.endurance`: memory of a worker while it does 100,000 runs.

One worker of two prefork processes; runs of one stage, of which some hundred are open at any time. Writes bench/results/endurance.{json,md}.
"""

import os
from collections import deque
from pathlib import Path

from bench.cases import CASES
from bench.loops import rss
from bench.machine import machine, publish
from bench.runtime import wait
from bench.runtime_peers import ours as peer
from bench.served import own_redis, stop, worker
from saltern_runtime.engine.service import Service
from saltern_runtime.engine.sweeper import Sweeper
from saltern_runtime.settings import Settings

RUNS, SAMPLES, OPEN = 100_000, 10, 200
CASE = CASES["pure_chain"]


def main() -> None:
    with own_redis():
        samples = measure(RUNS)
    report(samples)


def measure(runs: int) -> list[dict]:
    """Let a worker do so many runs, and look at it behind each tenth of them."""
    os.environ.pop(peer.TREE, None)
    graph = peer.graph_of(CASE)
    graph.retention = 2.0  # what is over goes soon, or it is the store that grows
    service = Service(graph, Settings.from_env())
    sweeper = Sweeper(service.store, service.dispatcher, service.reader)
    process = worker("ours", SALTERN_BENCH=CASE.name)
    found = []
    try:
        wait(service, [begin(service) for _ in range(OPEN)], sweeper)
        found.append(look(service, process.pid, 0))
        for tenth in range(SAMPLES):
            still: deque[str] = deque()
            for _ in range(runs // SAMPLES):
                still.append(begin(service))
                if len(still) == OPEN:
                    settle(service, still.popleft(), sweeper)
            while still:
                settle(service, still.popleft(), sweeper)
            found.append(look(service, process.pid, (tenth + 1) * (runs // SAMPLES)))
    finally:
        stop(process)
        service.close()
    return found


def begin(service: Service) -> str:
    return service.start({"value": 0}, tenant="bench", trigger="api").run_id


def settle(service: Service, run_id: str, sweeper: Sweeper) -> None:
    """Wait until a run is over; one that is kept no longer was."""
    while service.reader.state(run_id) not in {None, "SUCCEEDED"}:
        service.wait(run_id, 1.0)
        sweeper.sweep()


def look(service: Service, pid: int, done: int) -> dict:
    """Return what the worker takes and which its processes are, and what the store holds."""
    children = sorted(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    print(f"{done:,} runs: {rss(pid) / 2**20:.1f} MiB", flush=True)
    return {
        "done": done,
        "worker": rss(pid),
        "children": children,
        "store": int(service.store.client.info("memory")["used_memory"]),
    }


def report(samples: list[dict]) -> None:
    where = machine("celery", "kombu", "redis")
    same = len({tuple(each["children"]) for each in samples}) == 1
    lines = [
        "# A worker over many runs",
        "",
        f"By `python -m bench.endurance`: one worker of two prefork processes, {RUNS:,} runs of one stage, {OPEN} of them open at any time.",
        f"Memory of the worker with its children ({'the same ones from first to last' if same else 'of which one was made anew'}), and of the store, in which a run is kept for two seconds.",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| runs | worker | store |",
        "| ---: | ---: | ---: |",
        *(f"| {each['done']:,} | {each['worker'] / 2**20:.1f} MiB | {each['store'] / 2**20:.1f} MiB |" for each in samples),
    ]  # fmt: skip
    publish("endurance", lines, {"machine": where, "samples": samples})


if __name__ == "__main__":
    main()
