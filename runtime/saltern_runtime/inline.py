"""Other pipelines as the engine knows them: a call is a region of one round, what is started stands beside the pipeline's own graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from saltern_runtime.spec.names import INPUT, RETURN, ROOT
from saltern_runtime.stage import Callee, Calls, Ends, On, Opens, Responds, Stage, Starts


def only(results: list[Any]) -> Any:
    """Return the result of the only round."""
    return results[0]


def inlined(stage: Stage) -> Stage:
    """Put a region in place of each call that a stage, or one of its body, ends with."""
    match stage.ends:
        case Opens():
            return replace(stage, ends=replace(stage.ends, stages=tuple(map(inlined, stage.ends.stages))))
        case Calls():
            return replace(stage, ends=_called(stage, stage.ends))
        case _:
            return stage


def started(stages: tuple[Stage, ...]) -> Iterator[tuple[str, Callee, tuple[Stage, ...]]]:
    """Yield what stages start, and what that starts: its root, its graph, and its stages under names that begin with the root."""
    for stage in stages:
        if isinstance(stage.ends, Starts):
            root, graph = f"{stage.nodes[-1].id}{ROOT}", stage.ends.graph
            placed = tuple(_placed(one, root, root, stage.ends.connections) for one in graph.parts)
            yield root, graph, placed
            yield from started(placed)
        elif stage.opens is not None:
            yield from started(stage.opens.stages)


def _called(stage: Stage, calls: Calls) -> Opens:
    scope = f"{stage.nodes[-1].id}/"
    body = tuple(_placed(one, f"{stage.name}/", scope, calls.connections) for one in calls.graph.parts)
    result = f"{scope}{RETURN}" if RETURN in calls.graph.nodes else ""
    return Opens(INPUT, body, result=result, at_most=1, on_skip="null", gather=only, scope=scope, callee=calls.graph)


def _placed(stage: Stage, at: str, scope: str, connections: Mapping[str, str]) -> Stage:
    """Return a stage of another pipeline with `at` before the names of stages, and `scope` before those of nodes."""
    return replace(
        stage,
        name=f"{at}{stage.name}",
        nodes=tuple(node.within(scope, connections) for node in stage.nodes),
        again=tuple(node.within(scope, connections) for node in stage.again),
        when=tuple(On(f"{scope}{on.node}", on.handle) for on in stage.when),
        after=tuple(f"{at}{name}" for name in stage.after),
        relay=tuple(f"{at}{name}" for name in stage.relay),
        compensates=stage.compensates and f"{scope}{stage.compensates}",
        elided=tuple(each.within(scope) for each in stage.elided),
        ends=_ends(stage, at, scope, connections),
    )


def _ends(stage: Stage, at: str, scope: str, connections: Mapping[str, str]) -> Ends:
    match stage.ends:
        case Opens():
            return _opens(stage.ends, at, scope, connections)
        case Starts(graph, given):
            stand_in = {name: given.get(name, name) for name in graph.connections}
            return replace(stage.ends, connections={name: connections.get(by, by) for name, by in stand_in.items()})
        case Responds():
            return None  # the request that it answers is one that starts the pipeline by itself
        case _:
            return stage.ends


def _opens(opens: Opens, at: str, scope: str, connections: Mapping[str, str]) -> Opens:
    carries = opens.carries
    return replace(
        opens,
        stages=tuple(_placed(one, at, scope, connections) for one in opens.stages),
        result=f"{scope}{opens.result}" if opens.result else "",
        carries=None if carries is None else replace(carries, check=carries.check.within(scope, connections)),
        scope=f"{scope}{opens.scope}",
    )


def others(stages: tuple[Stage, ...]) -> Iterator[Calls | Starts]:
    """Yield every call, and every start, that a stage ends with."""
    for stage in stages:
        if isinstance(stage.ends, Calls | Starts):
            yield stage.ends
        elif stage.opens is not None:
            yield from others(stage.opens.stages)


def walk(owner: str, stages: tuple[Stage, ...]) -> Iterator[tuple[str, Stage]]:
    """Yield every stage with its owner's name, an owner before its body."""
    for stage in stages:
        yield owner, stage
        if stage.opens is not None:
            yield from walk(stage.name, stage.opens.stages)
