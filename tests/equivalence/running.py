"""Generated code on the real engine, with a real Redis: what is seen of a run."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from saltern_compiler.driver.link import link
from saltern_compiler.frontend import read
from saltern_compiler.ir.plan import LEVEL, LEVELS
from saltern_compiler.passes import Analyzed, analyze, make_plan
from saltern_compiler.registry import Registry
from saltern_runtime.engine.dispatch import InProcess
from saltern_runtime.engine.engine import Engine
from saltern_runtime.engine.service import Service
from saltern_runtime.engine.sweeper import Sweeper
from saltern_runtime.graph import Graph
from saltern_runtime.settings import Settings
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.store import Store
from saltern_runtime.store.views import TERMINAL, RunState, RunView
from tests.equivalence.comparing import Oracle, Seen
from tests.equivalence.drawing import Drawn
from tests.equivalence.worlds import key_of
from tests.support.built import importable

REGISTRY: Final = Registry.load()
LOG: Final = "SALTERN_EQUIVALENCE_LOG"
OPTIMIZED: Final = LEVELS
"""The levels that every pipeline runs at."""
MEMORY: Final = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
"""Where trees are written: no disk is waited for."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A pipeline that was read and checked once, for the interpreter and for all levels."""

    drawn: Drawn
    analyzed: Analyzed
    callees: Mapping[str, Analyzed]

    def oracle(self, *, is_root: bool = True) -> Oracle:
        """Return what says what its run may be."""
        callees = {path: callee.pipeline for path, callee in self.callees.items()}
        return Oracle(self.drawn, self.analyzed.pipeline, callees, is_root)

    def artifacts(self, level: int) -> Mapping[str, bytes]:
        """Return the files of its package."""
        target = REGISTRY.target("python")
        assert target is not None, "it comes with the compiler"
        plan = make_plan(self.analyzed, REGISTRY, callees=self.callees, source_name="main.saltern", level=level)
        return target.emit(plan, {})


def check(drawn: Drawn, level: int = LEVEL) -> Checked:
    """Read and check a pipeline, which has no error. What it costs is that of a level."""
    pipeline, findings = read(drawn.text, "main.saltern", REGISTRY)
    assert pipeline is not None, (drawn, findings)
    linked = link(pipeline, "main.saltern", drawn.files, REGISTRY, level)
    analyzed = analyze(pipeline, REGISTRY, linked.files, uses=linked.uses, called=linked.callees, level=level)
    assert not analyzed.has_errors, (drawn, [(each.code, each.message, each.notes) for each in analyzed.diagnostics])
    return Checked(drawn, analyzed, linked.callees)


@contextmanager
def logged() -> Iterator[Path]:
    """Give the file into which own code writes what it does."""
    folder = Path(tempfile.mkdtemp(prefix="saltern-equivalence-", dir=MEMORY))
    os.environ[LOG] = str(folder / "log")
    try:
        (folder / "log").touch()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Engines:
    """Runs pipelines, one after the other, with one connection to Redis."""

    def __init__(self, redis_url: str, name: str = "nmain") -> None:
        """`name`: of all pipelines, so that they share their keys; each run has a tenant of its own."""
        self.settings = Settings.from_env(
            {"SALTERN_REDIS_URL": redis_url, "SALTERN_SWEEP": "0.001", "SALTERN_PUBLIC_URL": "http://saltern.invalid"}
        )
        self.store = Store(name, self.settings)
        self.store.check()

    def close(self) -> None:
        """Close the connection."""
        self.store.close()

    def run(self, checked: Checked, level: int, change: Callable[[str], str] = str) -> Seen:
        """Build a pipeline at a level, run it in this process, with all that it starts, and return what is seen.

        `change` is done to the text of each module first.
        """
        with self.built(checked, level, change) as (graph, log):
            return ended(Worker(graph, self.settings, self.store), checked.drawn, log, new_nonce(), finish)

    @contextmanager
    def built(self, checked: Checked, level: int, change: Callable[[str], str] = str) -> Iterator[tuple[Graph, Path]]:
        """Give the graph of a pipeline that was built at a level, and the file into which its own code writes what it does."""
        with logged() as folder:
            artifacts = {path: change(data.decode()).encode() for path, data in checked.artifacts(level).items()}
            written(artifacts, folder / "tree")
            with importable(folder / "tree", checked.analyzed.pipeline.name) as load:
                yield load("graph").GRAPH, folder / "log"


class Worker:
    """A service, its worker and its timers in this process, over a store that others have tried out."""

    def __init__(self, graph: Graph, settings: Settings, store: Store) -> None:
        self.bells = InProcess()
        self.service = Service(graph, settings, dispatcher=self.bells, store=store)
        plans = self.service.plans
        store.keep_plan(plans.plan, plans.shape, plans.flow)
        self.service._ready = True  # what it would do first was just done
        self.engine = Engine(graph, settings, self.bells, store=store)
        self.sweeper = Sweeper(store, self.bells, self.service.reader)


def written(artifacts: Mapping[str, bytes], folder: Path) -> None:
    """Write files that nobody keeps."""
    for path, data in artifacts.items():
        if path.endswith((".py", ".json")):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)


def ended(
    opened: Worker, drawn: Drawn, log: Path, tenant: str, finish: Callable[[Worker, str, Mapping[str, Any]], RunView]
) -> Seen:
    """Run a pipeline and all that it starts to their ends, by `finish`, and return what is seen."""
    service = opened.service
    started = service.start(drawn.given, tenant=tenant, trigger="run").run_id
    done: dict[str, RunView] = {}
    while left := [each.id for each in service.list(tenant, limit=200).runs if each.id not in done]:
        done |= {run_id: finish(opened, run_id, drawn.answers) for run_id in reversed(left)}
    _, text = service.reader.response(started)
    lines = [key_of(*json.loads(line)) for line in log.read_text().splitlines()]
    return seen_of(done[started], [view for name, view in done.items() if name != started], lines, text)


def finish(opened: Worker, run_id: str, answers: Mapping[str, Any]) -> RunView:
    """Work until a run is over, and answer what it waits for."""
    reader, end = opened.service.reader, time.monotonic() + 120
    while True:
        while opened.bells.bells:
            opened.engine.answer(opened.bells.bells.popleft())
        state = reader.state(run_id)
        if state in TERMINAL or time.monotonic() > end:
            return opened.service.wait(run_id, 0)
        opened.sweeper.sweep()
        if state is RunState.WAITING and not opened.bells.bells and answers:
            answer(opened.service, run_id, answers)


def answer(service: Service, run_id: str, answers: Mapping[str, Any]) -> None:
    """Answer all that a run waits for, as far as it is answered."""
    view = service.wait(run_id, 0)
    for found in view.awaits:
        known = answers.get(found.node.rpartition("/")[2])
        if known is not None:
            service.answer(run_id, found.path, {"decision": known} if found.choices else known)


def seen_of(view: RunView, others: list[RunView], log: list[str], response: str | None) -> Seen:
    """Return what is seen of a run, and of those that it started."""
    beside = [
        key_of("start", each.pipeline, each.input, str(each.state), each.output, *_cause(each)) for each in others
    ]
    beside += [] if response is None else [key_of("respond", json.loads(response))]
    # where a run ends early hangs on how it was cut: what shares a later stage was not come to
    nodes = {node.id: str(node.state) for node in view.nodes} if view.state is RunState.SUCCEEDED else None
    return Seen(str(view.state), view.output, *_cause(view), log, beside, nodes)


def _cause(view: RunView) -> tuple[str | None, str | None]:
    return (None, None) if view.failure is None else (view.failure.code, view.failure.node)
