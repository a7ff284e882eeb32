"""The target `celery`: `tasks.py`, with the Celery app of one pipeline and a task for each stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from saltern_compiler.ir.plan import Plan, Stage
from saltern_compiler.pytext import identifier, string
from saltern_compiler.target import Contribution, Target
from saltern_targets.names import package_name
from saltern_targets.writing import Module, docstring

_TAKEN: Final = frozenset({"Bell", "GRAPH", "Worker", "app", "bell", "worker"})
_APP: Final = '''
worker = Worker(GRAPH)
app = worker.celery
"""What `celery -A` finds; a bell wakes a worker, what it then does is whatever the store says is most urgent."""
'''


def emit(plan: Plan, options: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG001 - the interface of targets; there are no options
    """Write `<package>/tasks.py`."""
    package = package_name(plan)
    doc = f"The Celery app of the pipeline {package}: `celery -A {package}.tasks worker`. One task a stage."
    module = Module(doc, source_name=plan.source_name, package=package)
    module.use("saltern_runtime.engine.celery", "Bell", "Worker")
    module.use(f"{package}.graph", "GRAPH")
    module.add(_APP)
    taken = set(_TAKEN)
    for stage in plan.stages:
        name = identifier(stage.name, taken)
        taken.add(name)
        module.blank(2)
        module.add(f"@worker.stage({string(stage.name)})")
        module.add(f"def {name}(bell: Bell) -> None:")
        module.add(docstring(_says(stage)), indent=4)
        module.add("worker.answer(bell)", indent=4)
    return {f"{package}/tasks.py": module.render()}


def _says(stage: Stage) -> str:
    """Say what a reader of the task wants to know, within a line."""
    if not stage.nodes:
        return f"Relay arrivals, in the queue {stage.queue}."
    times = "one attempt" if stage.retry.attempts == 1 else f"{stage.retry.attempts} attempts"
    each = f" for each item of {stage.owner}" if stage.owner else ""
    what = ", then ".join(stage.nodes)
    shown = what if len(what) <= 50 else f"{len(stage.nodes)} nodes, {stage.nodes[0]} first"
    return f"Run {shown}{each}: in the queue {stage.queue}, at most {times} of {stage.timeout:g} s."


def contribute(plan: Plan) -> Contribution:
    """Ask for the worker extra, and say how to run workers and timers."""
    return Contribution(extras=("worker",), readme="\n".join(_readme(plan)) + "\n")


def _readme(plan: Plan) -> Iterator[str]:
    package = package_name(plan)
    queues = sorted({stage.queue for stage in plan.stages})
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


TARGET = Target(
    name="celery",
    summary="Celery workers: one task a stage.",
    emit=emit,
    contribute=contribute,
    needs=("python",),
)
