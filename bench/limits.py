"""`python -m bench.limits`: what limits of a connection cost the store: calls of Redis and processor time, for each stage.

Scripts alone, without workers: a run of one stage is created, claimed and ended, with no limits, with limits that are not reached,
and with lines of two lengths in which the others wait. Writes bench/results/limits.{json,md}.
"""

import redis

from bench.machine import machine, publish
from bench.served import medians
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Bell, NewRun, Outcome
from saltern_runtime.store.dependants import Dependant
from saltern_runtime.store.keys import new_nonce, new_run_id
from saltern_runtime.store.store import Store

RUNS, ROUNDS = 2000, 5
FREE: dict[str, object] = {"n": "crm", "c": 100_000, "r": 1e9}
CASES = {
    "no limits": (None, 0),
    "both limits, not reached": (FREE, 0),
    "a line of 100": ({"n": "crm", "c": 1}, 100),
    "a line of 10,000": ({"n": "crm", "c": 1}, 10_000),
}


def main() -> None:
    report(medians(CASES, lambda url, case: measure(url, *case), ROUNDS))


def measure(
    url: str, limit: dict[str, object] | None, length: int, tenants: int = 1, runs: int = RUNS
) -> dict[str, float]:
    """Take runs through the store, one by one, with others in line before and behind; count what the server did meanwhile.

    Calls of Redis within scripts and µs of processor time for each, and bytes for each that waits.
    """
    store = Store(f"b{new_nonce()}", Settings(redis_url=url, bells=2))
    client = store.client
    empty = held(client)
    for number in range(length):
        start(store, limit, number % tenants)
    waiting = held(client) - empty
    client.config_resetstat()
    before = spent(client)
    serial = bells_of(start(store, limit, 0), Bell(0, "q", 1, 1))
    claim = store.answer(serial, new_nonce()).claim
    for number in range(runs):
        assert claim is not None
        start(store, limit, number % tenants)
        claim = store.advance(claim, Outcome("SUCCEEDED", ()), new_nonce()).claim
    stats = client.info("commandstats")
    stats.pop("cmdstat_fcall")
    calls = sum(each["calls"] for each in stats.values())
    took = spent(client) - before
    client.flushall()
    store.close()
    return {"calls": calls / runs, "us": took / runs, "bytes": waiting / max(length, 1)}


def spent(client: redis.Redis) -> float:
    """Return the processor time that the server has taken, µs."""
    cpu = client.info("cpu")
    return (cpu["used_cpu_user"] + cpu["used_cpu_sys"]) * 1e6


def held(client: redis.Redis) -> float:
    """Return what the server's keys take, bytes."""
    return float(client.info("memory")["used_memory"])


def start(store: Store, limit: dict[str, object] | None, tenant: int) -> tuple[Bell, ...]:
    entry = Dependant(
        path="a", need=1, join="all", live=0, dead=0, queue="q", priority=5, reads="[]", timeout=60_000,
    )  # fmt: skip
    if limit is not None:
        entry["limit"] = limit
    run = NewRun(new_run_id(0), "sha256:p", f"t{tenant}", "api", "1", "b", "", 3600.0, 3600.0, (entry,))
    return store.create(run).bells


def bells_of(rung: tuple[Bell, ...], first: Bell) -> Bell:
    """Return a bell that is out: one of these, or the first that was ever rung."""
    return rung[0] if rung else first


def report(rows: dict) -> None:
    where = machine("redis")
    lines = [
        "# Limits of a connection",
        "",
        f"By `python -m bench.limits`: one server, scripts alone; {RUNS:,} runs of one stage are created, claimed and ended one by one, the",
        f"middle of {ROUNDS} rounds. What the server did for each: calls of Redis inside of scripts, and processor time. With a line each of",
        "them lets the next one in.",
        "",
        ", ".join(f"{key} {value}" for key, value in where.items()),
        "",
        "| | calls | µs |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {row['calls']:.1f} | {row['us']:.0f} |" for name, row in rows.items()),
    ]
    publish("limits", lines, {"machine": where, "rows": rows})


if __name__ == "__main__":
    main()
