"""The same pipelines as raw Celery canvas: chain, and group with a chord, every outcome in the result backend."""

import os

from celery import Celery, chain, chord, group

app = Celery("canvas", broker=os.environ["SALTERN_REDIS_URL"], backend=os.environ["SALTERN_REDIS_URL"])
app.conf.update(worker_prefetch_multiplier=4, result_expires=3600)


@app.task
def step(value: int) -> int:
    """Add one."""
    return value + 1


@app.task
def total(values: list[int]) -> int:
    """Sum."""
    return sum(values)


def chain_of(length: int):
    """Tasks one after the other."""
    return chain(step.s(0), *(step.s() for _ in range(length - 1)))


def fan_of(width: int):
    """One task, many after it, one that joins them."""
    return chain(step.s(0), chord(group(step.s() for _ in range(width)), total.s()))
