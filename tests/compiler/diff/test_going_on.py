"""The verdict on runs in flight, proven: runs of the old pipeline stop after each stage, and go on with the new one.

The store pins a run to its plan, so a run is taken over as its keys would be: a run of the new plan is given the same input, and
each of its stages whose nodes have all ended in the old run is recorded, through the store's own scripts, with what these gave, in
place of being run. All else runs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter

from saltern_compiler.diff import Side, compare
from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.engine import Engine
from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.engine.places import scopes_of
from saltern_runtime.engine.stages import SUCCESS
from saltern_runtime.graph import Awaits, Graph
from saltern_runtime.settings import Settings
from saltern_runtime.spec import Json
from saltern_runtime.store.calls import Answer, Claim, Outcome
from saltern_runtime.store.views import TERMINAL, Awaited, RunState, RunView
from tests.compiler.diff.changes import CASES, GIVEN_OF, Case
from tests.support.built import importable
from tests.support.compared import side_of
from tests.support.effort import LONG, tries

RUNNING = [case for case in CASES if case.base in GIVEN_OF and case.says]
_ENDED = {"SUCCEEDED", "SKIPPED", "FAILED"}


@dataclass(frozen=True)
class Ended:
    """What a run has come to: the nodes outside of regions that have ended, each with its value (JSON text) or None."""

    values: Mapping[str, str | None]
    begun: frozenset[str]
    run: RunView
    sent: Mapping[str, Json]
    """Stage → what came for it before it waited, and is kept."""


class Taking(Engine):
    """Records what an old run has made, in place of making it."""

    kept: Mapping[str, str | None] = {}

    def _settled(self, plan: Any, claim: Claim, end: float) -> Answer:
        ids = [node.id for node in plan.stage.nodes]
        if not ids or claim.path != plan.stage.name or not all(each in self.kept for each in ids):
            return super()._settled(plan, claim, end)
        scopes = scopes_of(claim.path)
        given = {each: self.kept[each] for each in ids}
        if all(text is None for text in given.values()):
            outcome = Outcome("SKIPPED", plan.dependants({}, scopes))
            return self._advance(plan, claim, outcome, self._next(end))
        values = {scopes[-1] + each: text for each, text in given.items() if text is not None}
        taken = {each: json.loads(text) for each, text in given.items() if text and each in self.plans.handles}
        taken |= {each: SUCCESS for each in ids if each in self.plans.outcomes}
        outcome = Outcome("SUCCEEDED", plan.dependants(taken, scopes), values, taken=taken)
        return self._advance(plan, claim, outcome, self._next(end))


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], tuple[Side, Graph]]:
    """Give the old side of a case, which many of them share, and its graph: each is compiled once."""
    made: dict[object, tuple[Side, Graph]] = {}

    def base(case: Case) -> tuple[Side, Graph]:
        text, files = case.old
        key = (text, tuple(sorted(files.items())))
        if key not in made:
            made[key] = side_of(*case.old), loaded(case, "old", tmp_path_factory.mktemp("base"))
        return made[key]

    return base


def loaded(case: Case, side: str, folder: Path) -> Graph:
    """Compile one side of a case, and import its graph."""
    text, files = getattr(case, side)
    result = compile_source(text, source_name=f"{side}.saltern", files=files, targets=("python",))
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, folder / side)
    assert result.plan is not None
    with importable(folder / side, result.plan.pipeline.name) as module:
        graph: Graph = module("graph").GRAPH
        assert graph.digest == result.plan.digest
        return graph


@contextmanager
def opened(
    graph: Graph, url: str, service: str, kept: Mapping[str, str | None] | None = None
) -> Iterator[InOneProcess]:
    """Open a service that claims one stage a bell; with `kept`, one that takes over what stands there."""
    graph.name = service
    made = InOneProcess(graph, Settings(redis_url=url, slice=0.0, sweep=0.02))
    if kept is not None:
        made.engine = Taking(graph, made.service.settings, made.bells, store=made.service.store)
        made.engine.kept = kept
        plain = made.engine.plans._call

        def call(node: Any, *rest: Any, **more: Any) -> Any:
            text = kept.get(node.id)
            if text is None or node.scope:
                return plain(node, *rest, **more)
            return TypeAdapter(get_type_hints(node.function)["return"]).validate_json(text)

        made.engine.plans._call = call  # type: ignore[method-assign] - a stage of which a part has ended: the rest runs
    try:
        yield made
    finally:
        made.service.close()


def after(process: InOneProcess, given: Mapping[str, Any], stages: int, tops: frozenset[str]) -> Ended:
    """Run until so many stages have ended, and look at what there is then; what is sent to each second one comes early."""
    client, keys = process.service.store.client, process.service.store.keys
    run_id = process.service.start(given, tenant="acme", trigger="api").run_id
    sent = _send(process, run_id) if stages % 2 else {}
    end = time.monotonic() + 20
    while True:
        acts = {
            path: json.loads(text)
            for path, text in client.hgetall(keys.run(run_id, ":acts")).items()
            if text[:1] == "{"
        }
        done = [path for path, act in acts.items() if act["s"] in _ENDED and "/" not in path.replace("[", "/")]
        view = process.service.wait(run_id, 0)
        if len(done) >= stages or view.state is RunState.SUCCEEDED:
            break
        assert time.monotonic() < end, "the old run goes on"
        step(process, run_id, sent)
    nodes = {each: path for path in done for each in _nodes(process, path)}
    kept = client.hgetall(keys.run(run_id, ":vals"))
    values = {each: _value(each, acts[path], kept) for each, path in nodes.items() if _is_known(each, acts[path], kept)}
    begun = {each for path in acts if path not in done for each in _nodes(process, path)} & tops
    values = {each: text for each, text in values.items() if each in tops}
    left = {each: answer for each, answer in sent.items() if each not in values}
    return Ended(values, frozenset(begun), view, left)


def step(process: InOneProcess, run_id: str, sent: Mapping[str, Json]) -> None:
    """Do one thing; where there is nothing to do, answer what waits for it. What programs have sent once, they send no second time."""
    if process.step():
        return
    open_ = [each for each in process.service.wait(run_id, 0).awaits if each.choices or not sent]
    for each in open_[:1]:
        process.service.answer(run_id, each.path, _answer(each), by="ann")


def _send(process: InOneProcess, run_id: str) -> dict[str, Json]:
    """Send what programs outside do, before anything waits for it."""
    stages = process.service.graph.stages.values()
    names = [each.name for each in stages if isinstance(each.ends, Awaits) and not each.ends.choices]
    found = [(name, process.service.awaited(run_id, name)) for name in names]
    sent = {name: _answer(awaited) for name, awaited in found if awaited is not None}
    for name, answer in sent.items():
        process.service.answer(run_id, name, answer)
    return sent


def _answer(awaited: Awaited) -> Json:
    schema = _object(awaited.schema, awaited.schema)
    if not awaited.choices:
        return _sample(schema)
    fields = _object(schema["properties"].get("fields"), awaited.schema)
    return {"decision": awaited.choices[0], **({"fields": _sample(fields)} if fields else {})}


def _object(of: Any, schema: Any) -> Any:
    """Return the schema of an object that may be null, or stand among the definitions."""
    while of and "properties" not in of:
        of = of["anyOf"][0] if "anyOf" in of else schema["$defs"][of["$ref"].rpartition("/")[2]]
    return of


def _sample(schema: Any) -> Json:
    return {name: "p-1" if of["type"] == "string" else 2 for name, of in schema["properties"].items()}


def _is_known(node: str, act: Mapping[str, Any], kept: Mapping[str, str]) -> bool:
    """Whether a node's end is known: a value that its stage alone read is not kept, so that the node, which is pure, runs again."""
    return node in kept or _was_skipped(node, act)


def _value(node: str, act: Mapping[str, Any], kept: Mapping[str, str]) -> str | None:
    return None if _was_skipped(node, act) else kept.get(node)


def _was_skipped(node: str, act: Mapping[str, Any]) -> bool:
    return act["s"] != "SUCCEEDED" or json.loads(act.get("d", "{}")).get(node, 0) is None


def _nodes(process: InOneProcess, path: str) -> list[str]:
    stages = process.engine.graph.stages
    return [node.id for node in stages[path].nodes] if path in stages else []


@pytest.mark.parametrize("which", range(tries(1, 2)))
@pytest.mark.parametrize("case", RUNNING, ids=[case.name for case in RUNNING])
def test_old_runs_go_on_where_it_says_so(
    bases: Callable[[Case], tuple[Side, Graph]],
    case: Case,
    which: int,
    tmp_path: Path,
    *,
    redis_url: str,
    service: str,
) -> None:
    """Stopped after any stage (each other one in the short form), a run goes on to its end where the verdict lets it, and returns what the new pipeline does.

    Where a value is kept that the new one would not have made, the run ends, and what it returns is of the new type.
    """
    given = GIVEN_OF[case.base][which]
    old, graph = bases(case)
    runs = compare(old, side_of(*case.new)).runs
    graphs = {"old": graph, "new": loaded(case, "new", tmp_path)}
    with opened(graphs["new"], redis_url, f"{service}n") as fresh:
        whole = _finished(fresh, given)
    fits = whole.state is RunState.SUCCEEDED
    assert fits or runs.verdict != "yes", "what old runs were given is nothing that the new pipeline takes"
    tops = frozenset(node.id for node in old.pipeline.body.nodes)
    starting = {name for name, node in graphs["new"].nodes.items() if node.type.startswith("start.")}
    went = []
    points = range(20) if LONG else range(len(case.name) % 2, 20, 2)
    for stages in points:
        with opened(graphs["old"], redis_url, f"{service}o{stages}") as process:
            ended = after(process, given, stages, tops)
        if ended.run.state is RunState.SUCCEEDED:
            break
        if not runs.may_go_on(frozenset(ended.values), ended.begun):
            continue
        went.append(stages)
        kept = {runs.carried[each]: text for each, text in ended.values.items() if each in runs.carried}
        with opened(graphs["new"], redis_url, f"{service}t{stages}", kept) as process:
            run = _finished(process, given, ended.sent)
            made = [each for each in process.service.list("acme", limit=200).runs if each.parent == run.id]
        assert run.state is RunState.SUCCEEDED, (stages, run.failure, ended)
        assert len(made) == len(starting - kept.keys()), "what was started is started once"
        if fits and not set(runs.kept) & set(ended.values):
            assert run.output == whole.output, (stages, ended)
    assert stages > 3, "there are points to stop at"
    if runs.verdict != "partly":
        assert went == ([each for each in points if each < stages] if runs.verdict == "yes" else []), runs


def _finished(process: InOneProcess, given: Mapping[str, Any], sent: Mapping[str, Json] | None = None) -> RunView:
    run_id = process.service.start(given, tenant="acme", trigger="api").run_id
    for name, answer in (sent or {}).items():
        process.service.answer(run_id, name, answer)
    end = time.monotonic() + 20
    while process.service.reader.state(run_id) not in TERMINAL:
        assert time.monotonic() < end, process.service.wait(run_id, 0)
        step(process, run_id, sent or {})
    return process.service.wait(run_id, 0)
