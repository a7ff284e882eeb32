"""The same pipelines as raw Celery canvas: chains, and groups with a chord, every outcome in the result backend."""

import os
import time

from celery import Celery, chain, chord, group

from bench.cases import Case

app = Celery("canvas", broker=os.environ["SALTERN_REDIS_URL"], backend=os.environ["SALTERN_REDIS_URL"])
app.conf.update(worker_prefetch_multiplier=4, result_expires=3600)


@app.task
def step(value: int) -> int:
    """Add one."""
    return value + 1


@app.task
def slow(value: int, seconds: float) -> int:
    """Add one, after a while."""
    time.sleep(seconds)
    return value + 1


@app.task
def total(values: list[int]) -> int:
    """Sum."""
    return sum(values)


def workflow(case: Case):
    """Return a run of a case, to be applied."""

    def one(*given: int):  # a signature of its own each time: canvas gives each one task
        return slow.s(*given, case.seconds) if case.seconds else step.s(*given)

    if case.shape == "chain":
        return chain(one(0), *(one() for _ in range(case.width - 1)))
    if case.shape == "loop":
        return chord(group(one(item) for item in range(case.width)), total.s())
    return chain(one(0), chord(group(one() for _ in range(case.width)), total.s()))
