"""`python -m bench.runtime`: stages a second on Saltern's runtime against raw Celery canvas, on one server, in one run.

Chains of ten, and a fan-out of a hundred with a join; every outcome is checkpointed (ours: values, records, events, leases;
canvas: its Redis result backend). Both with one worker of two prefork processes. Writes bench/results/runtime.{json,md}.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis

from bench.machine import RESULTS, keep, machine
from saltern_runtime.engine.service import Service
from saltern_runtime.engine.sweeper import Sweeper
from saltern_runtime.store.views import TERMINAL
from tests.support.redis import RedisServer

ROOT = Path(__file__).parent.parent
WORKERS = 2
ROUNDS = 3
"""Each case is measured so often, canvas and ours in turn; the round with the middle ratio is shown."""
SIZES = {"chain": (10, 1000, 60), "fan": (102, 100, 10)}
"""Stages of a run; runs of ours; runs of canvas (fewer: it is slower)."""


def main() -> None:
    server = RedisServer(Path(tempfile.mkdtemp(prefix="saltern-bench-")))
    server.start()
    os.environ["SALTERN_REDIS_URL"] = server.url
    try:
        rows = {
            case: middle([{"canvas": canvas(case), "saltern": ours(case)} for _ in range(ROUNDS)]) for case in SIZES
        }
        info = redis.Redis.from_url(server.url).info("server")
    finally:
        server.stop()
    report(rows, f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}")


def middle(rounds: list[dict]) -> dict:
    """Return the round with the middle ratio."""
    for row in rounds:
        row["ratio"] = row["saltern"]["per_second"] / row["canvas"]["per_second"]
        row["ratio_alone"] = row["canvas"]["alone_ms"] / row["saltern"]["alone_ms"]
    ordered = sorted(rounds, key=lambda row: row["ratio"])
    return ordered[len(rounds) // 2] | {"ratios": [round(row["ratio"], 1) for row in ordered]}


def worker(module: str, **env: str) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        f"bench.runtime_peers.{module}",
        "worker",
        "-c",
        str(WORKERS),
        "-l",
        "error",
    ]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return subprocess.Popen(
        [*command, *quiet],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stop(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ours(case: str) -> dict[str, float]:
    from bench.runtime_peers import ours as peer  # noqa: PLC0415 - reads the server's address when imported

    stages, runs, _ = SIZES[case]
    service = Service(peer.fan() if case == "fan" else peer.chain())
    sweeper = Sweeper(service.store, service.dispatcher, service.reader)
    process = worker("ours", SALTERN_BENCH=case)
    try:
        wait(service, [service.start(0, tenant="bench", trigger="api").run_id for _ in range(4)], sweeper)
        alone = []
        for _ in range(10):
            began = time.perf_counter()
            wait(service, [service.start(0, tenant="bench", trigger="api").run_id], sweeper)
            alone.append(time.perf_counter() - began)
        began = time.perf_counter()
        wait(service, [service.start(0, tenant="bench", trigger="api").run_id for _ in range(runs)], sweeper)
        took = time.perf_counter() - began
    finally:
        stop(process)
    bells = service.figures().counts["bells"] / service.figures().counts["runs|CREATED"]
    return {
        "per_second": stages * runs / took,
        "alone_ms": statistics.median(alone) * 1000,
        "runs": runs,
        "bells_a_run": bells,
    }


def wait(service, run_ids, sweeper) -> None:
    """Wait until every run has succeeded; the timers sweep meanwhile, should a bell be lost."""
    still = list(run_ids)
    while still:
        if not service.wait(still[-1], 1.0).ended_at:
            sweeper.sweep()
            continue
        states = read_states(service, still)
        still = [run_id for run_id in still if states[run_id] not in TERMINAL]
        assert set(states.values()) <= {"QUEUED", "RUNNING", "SUCCEEDED"}, states


def read_states(service, run_ids) -> dict[str, str]:
    """Read the states of runs in one round trip, so that looking is not what is measured."""
    with service.store.client.pipeline(transaction=False) as pipe:
        for run_id in run_ids:
            pipe.hget(service.store.keys.run(run_id), "state")
        return dict(zip(run_ids, pipe.execute(), strict=True))


def canvas(case: str) -> dict[str, float]:
    from bench.runtime_peers import canvas as peer  # noqa: PLC0415 - reads the server's address when imported

    stages, _, runs = SIZES[case]

    def start():
        return (peer.fan_of(100) if case == "fan" else peer.chain_of(10)).apply_async()

    process = worker("canvas")
    try:
        for each in [start() for _ in range(2)]:
            each.get(timeout=60)
        alone = []
        for _ in range(5):
            began = time.perf_counter()
            start().get(timeout=60)
            alone.append(time.perf_counter() - began)
        began = time.perf_counter()
        for each in [start() for _ in range(runs)]:
            each.get(timeout=120)
        took = time.perf_counter() - began
    finally:
        stop(process)
    return {"per_second": stages * runs / took, "alone_ms": statistics.median(alone) * 1000, "runs": runs}


def report(rows: dict, server: str) -> None:
    where = machine("celery", "kombu", "redis") | {"server": server}
    all_ratios = "; ".join(", ".join(f"{ratio:.1f}" for ratio in row["ratios"]) for row in rows.values())
    lines = [
        "# The runtime against raw Celery canvas",
        "",
        "By `python -m bench.runtime`: one server (append-only file, everysec), one worker of two prefork processes;",
        f"{ROUNDS} rounds of each in turn, the one with the middle ratio (ratios of all: {all_ratios}).",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| | canvas, stages/s | Saltern, stages/s | ratio | canvas, one alone | Saltern, one alone | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    names = {"chain": "chains of 10", "fan": "fan-out of 100 and join"}
    for case, row in rows.items():
        lines.append(
            f"| {names[case]} | {row['canvas']['per_second']:,.0f} | {row['saltern']['per_second']:,.0f} | {row['ratio']:.1f} x "
            f"| {row['canvas']['alone_ms']:.1f} ms | {row['saltern']['alone_ms']:.1f} ms | {row['ratio_alone']:.1f} x |"
        )
    text = "\n".join(lines) + "\n"
    print(text)
    keep("runtime", {"machine": where, "rows": rows})
    (RESULTS / "runtime.md").write_text(text)


if __name__ == "__main__":
    main()
