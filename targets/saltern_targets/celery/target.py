"""The target `celery`: `tasks.py`, with the Celery app of one pipeline and a task for each stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from saltern_compiler.ir.plan import Plan
from saltern_compiler.target import Contribution, Target
from saltern_targets.names import package_name
from saltern_targets.writing import Module

_APP: Final = '''
worker = Worker(GRAPH)
app = worker.celery
"""What `celery -A` finds."""


def answer(bell: Bell) -> None:
    """Run what is most urgent in the queue of the bell, whichever task it rings, until the slice ends."""
    worker.answer(bell)


for stage in GRAPH.stages:
    worker.register(stage, answer)
'''


def emit(plan: Plan, options: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG001 - the interface of targets; there are no options
    """Write `<package>/tasks.py`."""
    package = package_name(plan)
    doc = f"The Celery app of the pipeline {package}: `celery -A {package}.tasks worker`. A task for each stage."
    module = Module(doc, source_name=plan.source_name, package=package)
    module.use("saltern_runtime.engine.celery", "Bell", "Worker")
    module.use(f"{package}.graph", "GRAPH")
    module.add(_APP)
    return {f"{package}/tasks.py": module.render()}


def contribute(plan: Plan) -> Contribution:
    """Ask for the worker extra, and say how to run workers and timers."""
    return Contribution(extras=("worker",), readme="\n".join(_readme(plan)) + "\n")


def _readme(plan: Plan) -> Iterator[str]:
    package = package_name(plan)
    queues = sorted({stage.queue for stage in plan.every_stage})
    yield "## Workers and timers"
    yield ""
    yield "```sh"
    yield "export SALTERN_REDIS_URL=redis://127.0.0.1:6379/0   # noeviction; SALTERN_BROKER_URL where the broker is another"
    yield f"celery -A {package}.tasks worker --concurrency 4"
    yield f"python -m saltern_runtime.timers {package}   # two of them, for when one is down"
    yield "```"
    yield ""
    yield f"Stage queues: {', '.join(f'`{queue}`' for queue in queues)}; in the broker they carry the service's name and the plan's short"
    yield "digest, so that workers of an old and a new version run side by side. A worker stops cleanly at SIGTERM: what cannot finish in"
    yield "`SALTERN_GRACE` seconds is handed back to the queue. `SALTERN_HEARTBEAT_FILE` names a file that a live worker touches."
    yield "A process of a worker may have `SALTERN_MEMORY` bytes; unless it is set, half of what its container has, or its machine: a node that asks for more fails."
    yield "Logs are JSON unless a terminal reads them (`SALTERN_LOGS=json`, `text`); with `saltern-runtime[otel]`, traces are sent where"
    yield "`OTEL_EXPORTER_OTLP_ENDPOINT` says."


TARGET = Target(
    name="celery",
    summary="Celery workers: one task a stage.",
    emit=emit,
    contribute=contribute,
    needs=("python",),
)
