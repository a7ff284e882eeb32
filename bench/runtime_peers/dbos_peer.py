"""Chains of ten on DBOS, each step checkpointed in PostgreSQL: run by the peers' own Python, with the database's address. Prints JSON."""

import json
import statistics
import sys
import time

from dbos import DBOS

RUNS = 60

DBOS(config={"name": "bench", "system_database_url": sys.argv[1], "run_admin_server": False, "log_level": "ERROR"})


@DBOS.step()
def step(value: int) -> int:
    """Add one."""
    return value + 1


@DBOS.workflow()
def chain(value: int) -> int:
    """Ten steps one after the other."""
    for _ in range(10):
        value = step(value)
    return value


def main() -> None:
    DBOS.launch()
    for _ in range(4):
        chain(0)
    alone = []
    for _ in range(10):
        began = time.perf_counter()
        chain(0)
        alone.append(time.perf_counter() - began)
    began = time.perf_counter()
    for handle in [DBOS.start_workflow(chain, 0) for _ in range(RUNS)]:
        handle.get_result()
    took = time.perf_counter() - began
    print(json.dumps({"per_second": 10 * RUNS / took, "alone_ms": statistics.median(alone) * 1000}))
    DBOS.destroy()


if __name__ == "__main__":
    main()
