"""`python -m bench.loops`: a foreach over 10,000 items; memory of Redis and of the workers while it runs.

One worker of two prefork processes, timers beside it. Writes bench/results/loops.{json,md}.
"""

import statistics
import time
from pathlib import Path

from bench.machine import RESULTS, keep, machine
from bench.served import own_redis, stop, worker
from saltern_runtime.engine.service import Service
from saltern_runtime.engine.sweeper import Sweeper
from saltern_runtime.store.views import TERMINAL

SIZES = (100, 1_000, 10_000)


def main() -> None:
    with own_redis():
        process = worker("loops")
        try:
            rows = measure(process.pid)
        finally:
            stop(process)
    report(rows)


def measure(pid: int) -> dict[int, dict]:
    from bench.runtime_peers import loops as peer  # noqa: PLC0415 - reads the server's address when imported

    service = Service(peer.loop())
    sweeper = Sweeper(service.store, service.dispatcher, service.reader)
    run(service, sweeper, pid, 50)
    return {size: run(service, sweeper, pid, size) for size in SIZES}


def run(service: Service, sweeper: Sweeper, pid: int, size: int) -> dict:
    """Run one foreach and sample what it holds, five times a second."""
    client = service.store.client
    before = client.info("memory")["used_memory"]
    began = time.perf_counter()
    run_id = service.start(size, tenant="bench", trigger="api").run_id
    samples: list[dict] = []
    swept = 0.0
    while service.reader.state(run_id) not in TERMINAL:
        if time.monotonic() - swept > 1:
            sweeper.sweep()
            swept = time.monotonic()
        keys = service.store.keys
        fields = service.store.client.hmget(keys.run(run_id), "items|items|done")
        samples.append({
            "done": int(fields[0] or 0),
            "used": client.info("memory")["used_memory"] - before,
            "records": client.hlen(keys.run(run_id, ":acts")) + client.hlen(keys.run(run_id, ":vals")),
            "lists": client.memory_usage(keys.run(run_id, ":each:items"), samples=0) or 0,
            "events": client.memory_usage(keys.run(run_id, ":events"), samples=0) or 0,
            "rss": rss(pid),
        })  # fmt: skip
        time.sleep(0.2)
    took = time.perf_counter() - began
    view = service.wait(run_id, 0)
    assert view.output == size * (size + 1) // 2, view
    return {"seconds": took, "per_second": 2 * size / took, "samples": samples, "quarters": quarters(samples, size)}


def quarters(samples: list[dict], size: int) -> list[dict]:
    """Return the middle of the samples of each quarter of the items; what items, yields and events take is left out of `own`."""
    found = []
    for quarter in range(4):
        part = [each for each in samples if quarter <= 4 * each["done"] / size < quarter + 1 and each["lists"]]
        if part:
            found.append({
                "own": statistics.median(each["used"] - each["lists"] - each["events"] for each in part),
                **{name: statistics.median(each[name] for each in part) for name in ("used", "records", "lists", "events", "rss")},
            })  # fmt: skip
    return found


def rss(pid: int) -> int:
    """Return the memory of a process and its children, bytes."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) * 4096 for each in pids)


def report(rows: dict[int, dict]) -> None:
    where = machine("celery", "kombu", "redis")
    lines = [
        "# A foreach over many items",
        "",
        "By `python -m bench.loops`: two stages an item, 16 items at a time, one worker of two prefork processes. While it runs:",
        "fields of the run's records and values; memory of Redis over that before the run; how much of it items and yields take,",
        "and the run's events (capped); the rest; memory of the worker with its children.",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| items | stages/s | quarter | fields | Redis | items and yields | events | the rest | worker |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for size, row in rows.items():
        for index, each in enumerate(row["quarters"]):
            kib = " | ".join(f"{each[name] / 1024:,.0f} KiB" for name in ("used", "lists", "events", "own"))
            lines.append(
                f"| {size:,} | {row['per_second']:,.0f} | {index + 1} | {each['records']:.0f} | {kib} | {each['rss'] / 2**20:.0f} MiB |"
            )
    text = "\n".join(lines) + "\n"
    print(text)
    slim = {str(size): {key: value for key, value in row.items() if key != "samples"} for size, row in rows.items()}
    keep("loops", {"machine": where, "rows": slim})
    (RESULTS / "loops.md").write_text(text)


if __name__ == "__main__":
    main()
