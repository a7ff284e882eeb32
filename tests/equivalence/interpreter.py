"""What a pipeline means, said as plainly as can be: a walk over the checked IR, one node after the other.

It knows no stages, no plan, no store and no generated code. Where several things run at the same time and the first to end decides,
it asks its world which one is first. All effects that a failure may have been quicker than are marked as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from posixpath import normpath
from typing import Any, Final

from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_runtime.spec import Retry
from tests.equivalence.expressions import SKIPPED, FailedError, Names, case_of, first_of, value_of
from tests.equivalence.graphs import Done, arms_of, ends_all, gate_opens, in_order, passed_over, plain, states_of
from tests.equivalence.owncode import OwnError, called, held
from tests.equivalence.worlds import World, key_of

NOTHING: Final[frozenset[int]] = frozenset()
RUN_ID: Final = "(the id of a run)"


@dataclass(frozen=True, slots=True)
class Stop:
    """What a `stop` says."""

    state: str
    node: str
    output: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    state: str
    output: Any = None
    code: str | None = None
    node: str | None = None
    nodes: Mapping[str, str] = field(default_factory=dict)
    """Node of its own graph → how it ended, as `states_of` says; those are left out that lost a race, wherever they had come to."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a region stands: in which pipeline, and what ids begin with there."""

    pipeline: Pipeline
    prefix: str = ""
    is_run: bool = True
    """Whether it is the graph of the run that is looked at, so that `respond` answers."""


class Interpreter:
    """Runs pipelines in one world. `callees`: path → pipeline; `answers`: id of a node that waits → what it is answered."""

    def __init__(self, callees: Mapping[str, Pipeline], answers: Mapping[str, Any], world: World) -> None:
        self.callees = callees
        self.answers = answers
        self.world = world

    def run(self, pipeline: Pipeline, given: Any, past: frozenset[int] = NOTHING, *, is_root: bool = True) -> Outcome:
        """Run a pipeline to its end, and take back what it did where it does not succeed."""
        place = Place(pipeline, is_run=is_root)
        local: dict[str, Done] = {}
        lost: set[str] = set()
        ended = self.region(pipeline.body, _names({"input": given}), place, past, local, lost)
        nodes = {name: at for name, at in states_of(pipeline, local, ended).items() if name not in lost}
        if ended.state == "value":
            return Outcome("SUCCEEDED", None if ended.value is SKIPPED else ended.value, nodes=nodes)
        if isinstance(ended.value, Stop) and ended.value.state == "succeeded":
            return Outcome("SUCCEEDED", ended.value.output, nodes=nodes)
        self._take_back(pipeline.body, given, place, local, ended.past)
        if isinstance(ended.value, Stop):
            return Outcome("FAILED", code="stopped", node=ended.value.node, nodes=nodes)
        return Outcome("FAILED", code=ended.value["code"], node=ended.value["node"], nodes=nodes)

    def _take_back(
        self, body: Region, given: Any, place: Place, local: Mapping[str, Done], past: frozenset[int]
    ) -> None:
        """Run the compensations of what succeeded, the last first."""
        undo = {node.control[0].source: node for node in body.nodes if node.type == "compensate"}
        done = [name for name in local if name in undo and local[name].state == "value"]
        for name in sorted(done, key=lambda name: len(local[name].past), reverse=True):
            effect = max(local[name].past)
            first = len(self.world.events)
            names = _names({each: _shown(ended) for each, ended in local.items()}, _names({"input": given}))
            inner = undo[name].body
            assert inner is not None, "a compensation has a body"
            was = past | {
                at
                for at in range(len(self.world.events))
                if (along := self.world.events[at].along) is not None and effect in self.world.events[along].past
            }
            self.region(inner, names, place, was, {})
            for event in self.world.events[first:]:
                event.must = event.must and self.world.events[effect].must
                event.along = effect if event.must or not self.world.events[effect].must else event.along

    def region(  # noqa: PLR0917 - each is a column
        self,
        region: Region,
        around: Names,
        place: Place,
        past: frozenset[int],
        local: dict[str, Done],
        lost: set[str] | None = None,
    ) -> Done:
        """Run a graph; `local` takes how its nodes ended, `lost` the arms that lost their races."""
        events, first = self.world.events, len(self.world.events)
        spans: dict[str, range] = {}
        lost = set() if lost is None else lost
        passed = passed_over(region, place.pipeline)
        values: dict[str, Any] = {}
        names = _names(values, around)
        for node, needs in in_order(region):
            begin = len(events)
            local[node.id] = done = self._reach(node, needs, names, place, past, local, passed, lost)
            values[node.id] = _shown(done)
            spans[node.id] = range(begin, len(events))
        for name in lost:
            self.world.give_up(spans[name])
        fatal = [done for name, done in local.items() if done.state == "failed" and name not in passed]
        fatal += [done for name, done in local.items() if done.state == "stopped" and name not in lost]
        late = [local[name] for name in sorted(lost) if local[name].state == "stopped"]
        ends: list[Done | None] = [*fatal, *late] if fatal else [None, *late]
        end = ends[self.world.choose(len(ends)) if len(ends) > 1 else 0]
        if end is not None:
            self.world.give_up(range(first, len(events)), end.past)
            return end
        result = next((node.id for node in region.nodes if node.type in {"return", "yield", "next"}), "")
        whole = past.union(*(done.past for name, done in local.items() if name not in lost))
        return Done("value", whole, values.get(result, SKIPPED))

    def _reach(  # noqa: PLR0917 - each is a column
        self,
        node: Node,
        needs: Sequence[str],
        names: Names,
        place: Place,
        past: frozenset[int],
        local: Mapping[str, Done],
        passed: frozenset[str],
        lost: set[str],
    ) -> Done:
        """Run a node whose needs have ended, if it may."""
        arms = arms_of(node)
        direct = [name for name in needs if name not in arms]
        past = past.union(*(local[name].past for name in direct))
        if any(ends_all(name, local, passed) for name in direct) or any(
            local[name].state == "unreached" for name in arms
        ):
            return Done("unreached", past)
        if node.disabled or not gate_opens(node, local):
            return Done("skipped", past)
        if arms:
            return self._race(node, {arms[name]: local[name] for name in arms}, arms, place, past, lost)
        return self.node(node, names, place, past, local)

    def node(
        self, node: Node, names: Names, place: Place, past: frozenset[int], local: Mapping[str, Done] = {}
    ) -> Done:
        """Run a node that is reached."""
        try:
            return self._node(node, names, place, past, local)
        except FailedError as error:
            return Done("failed", past, _failure(node, place, "internal", error.code))

    def _node(  # noqa: C901, PLR0912 - one case a node type
        self, node: Node, names: Names, place: Place, past: frozenset[int], local: Mapping[str, Done]
    ) -> Done:
        family, _, used = node.type.partition(".")
        params = dict(node.params)

        def of(name: str) -> Any:
            return value_of(params[name], names)

        match family:
            case "set" | "return" | "yield" | "next":
                return Done("value", past, of("value"))
            case "template":
                return Done("value", past, of("text"))
            case "if":
                return Done("value", past, "then" if of("condition") else "else")
            case "switch":
                return Done("value", past, case_of(of("value"), of("cases")))
            case "merge" | "try":
                return Done("value", past, first_of(params["values"], names))
            case "parallel":
                return Done("value", past, of("values"))
            case "error":
                return Done("value", past, local[node.control[0].source].value)
            case "wait":
                return Done("value", past, None)
            case "approval" | "receive":
                return Done("value", past, self._answer(node, params))
            case "stop":
                output = of("output") if "output" in params else None
                return Done("stopped", past, Stop(of("state"), place.prefix + node.id, output))
            case "respond":
                return self._respond(of, params, place, past)
            case "python":
                return self._own(node, of, place, past)
            case "foreach":
                return self._foreach(node, of("items"), names, place, past)
            case "while":
                return self._while(node, of("state"), names, place, past)
            case "attempt" | "arm":
                return self._once(node, names, place, past)
            case "catch":
                failure = local[node.control[0].source].value
                assert node.body is not None, "a catch has a body"
                return self._once(node, _names(dict.fromkeys(node.body.variables, failure), names), place, past)
            case "call":
                callee, given = self._callee(used, place), {name: of(name) for name in params}
                inner = Place(callee, f"{place.prefix}{node.id}/", is_run=False)
                return _only(self.region(callee.body, _names({"input": given}), inner, past, {}))
            case "start":
                given = {name: of(name) for name in params if name != "linked"}
                return Done("value", self._start(self._callee(used, place), given, past), RUN_ID)
        raise NotImplementedError(node.type)

    def _answer(self, node: Node, params: Mapping[str, Any]) -> Any:
        answer = self.answers.get(node.id)
        if node.type == "receive":
            return answer
        decision = params["default"].value if answer is None else answer
        return {"decision": decision, "by": None, "comment": None}

    def _respond(self, of: Any, params: Mapping[str, Any], place: Place, past: frozenset[int]) -> Done:
        status = of("status") if "status" in params else 200
        value = {"status": status, "headers": {}, "body": of("body") if "body" in params else None}
        if place.is_run:
            past = self.world.happens(key_of("respond", value), past)
        return Done("value", past, value)

    def _callee(self, name: str, place: Place) -> Pipeline:
        use = place.pipeline.use(name)
        assert use is not None, "the checks know all uses"
        return self.callees[normpath(use.path)]

    def _start(self, callee: Pipeline, given: Any, past: frozenset[int]) -> frozenset[int]:
        """Run another pipeline as a run of its own: whatever becomes of it, here it has begun."""
        world, outer = self.world, self.world.run_by
        began = world.happens("", past)
        at = max(began)
        world.run_by = at if outer is None else outer
        ended = self.run(callee, given, began, is_root=False)
        world.run_by = outer
        world.events[at].key = key_of("start", callee.name, given, ended.state, ended.output, ended.code, ended.node)
        return began

    def _own(self, node: Node, of: Any, place: Place, past: frozenset[int]) -> Done:
        """Call own code as often as its policy says."""
        name = of("function").partition(":")[2]
        args = of("args")
        key = key_of(name, *(args[each] for each in ("tag", "value") if each in args))
        kept = (
            self.world.asked.setdefault(f"{place.pipeline.name} {key}", []) if node.policy.cache is not None else None
        )
        if kept and any(at in past for at in kept):
            return Done("value", past, args["value"] * 2)
        retry = node.policy.retry or place.pipeline.policy.retry or Retry()
        attempt = 0
        while True:
            attempt += 1
            if name == "flaky":
                self.world.loose.add(key)
                past = self.world.happens(key_of("done", args["tag"], args["value"]), past)
            elif name != "half":
                self.world.reads |= {key} if name == "look" else set()
                past = self.world.happens(key, past, must=not kept)
            if kept is not None:
                kept.append(max(past))
            try:
                return Done("value", past, held(called(name, args)))
            except OwnError as error:
                if error.of["kind"] == "external-permanent" or attempt == retry.attempts:
                    whole = _failure(node, place, "", "") | error.of | {"attempts": attempt}
                    return Done("failed", past, whole)

    def _once(self, node: Node, names: Names, place: Place, past: frozenset[int]) -> Done:
        assert node.body is not None, "a region has a body"
        return _only(self.region(node.body, names, place, past, {}))

    def _foreach(self, node: Node, items: list[Any], names: Names, place: Place, past: frozenset[int]) -> Done:
        """Run the items, so many at a time."""
        assert node.body is not None, "a region has a body"
        window, on_error = plain(node, "at_most", 8), plain(node, "on_error", "stop")
        (variable,) = node.body.variables
        first, ends, spans = len(self.world.events), list[Done](), list[range]()
        before = past
        for item in items:
            bad = [end for end in ends if end.state == "stopped" or (end.state == "failed" and on_error == "stop")]
            if len(bad) >= window:
                break
            begin = len(self.world.events)
            end = self.region(node.body, _names({variable: item}, names), place, before, {})
            ends.append(end)
            spans.append(range(begin, len(self.world.events)))
            before = before | end.past if window == 1 else before
        bad = [end for end in ends if end.state == "stopped" or (end.state == "failed" and on_error == "stop")]
        if bad:
            end = bad[self.world.choose(len(bad)) if len(bad) > 1 else 0]
            self.world.give_up(range(first, len(self.world.events)), end.past)
            return end
        return Done("value", past.union(*(end.past for end in ends)), list(_gathered(ends, on_error)))

    def _while(self, node: Node, state: Any, names: Names, place: Place, past: frozenset[int]) -> Done:
        """Hand a state from round to round."""
        assert node.body is not None, "a region has a body"
        (variable,) = node.body.variables
        check = next(each for each in node.body.nodes if each.type == "check")
        rounds = 0
        while value_of(dict(check.params)["value"], _names({variable: state}, names)):
            if rounds == plain(node, "at_most", 0):
                if plain(node, "on_limit", "fail") == "continue":
                    break
                return Done("failed", past, _failure(node, place, "external-permanent", "loop-limit"))
            end = self.region(node.body, _names({variable: state}, names), place, past, {})
            if end.state != "value":
                return end
            past, rounds = end.past, rounds + 1
            state = state if end.value is SKIPPED else end.value
        return Done("value", past, state)

    def _race(  # noqa: PLR0917 - each is a column
        self,
        node: Node,
        arms: Mapping[str, Done],
        ids: Mapping[str, str],
        place: Place,
        past: frozenset[int],
        lost: set[str],
    ) -> Done:
        """Let arms decide, in whichever order they end."""
        join, won = plain(node, "join", "all"), sorted(name for name, arm in arms.items() if arm.state == "value")
        count = plain(node, "quorum", 1) if join == "quorum" else 1
        ways: list[tuple[str, ...]] = list(combinations(won, count))
        if join == "first":
            ways += [(name,) for name, arm in sorted(arms.items()) if arm.state == "failed"]
        failed = [name for name, arm in arms.items() if arm.state == "failed"]
        if not ways and len(arms) - len(failed) >= count:
            return Done("unreached", past)  # an arm that stops the run is all that is left to wait for
        way = ways[self.world.choose(len(ways)) if len(ways) > 1 else 0] if ways else ()
        lost.update(id_ for id_, name in ids.items() if name not in way)
        if not way and len(failed) == len(arms) - count + 1:
            way = tuple(failed)
            lost.difference_update(id_ for id_, name in ids.items() if name in way)
        past = past.union(*(arms[name].past for name in way))
        if not way or arms[way[0]].state == "failed":
            return Done("failed", past, _failure(node, place, "external-permanent", "race-failed"))
        values = [{"arm": name, "value": arms[name].value} for name in way]
        return Done("value", past, values if join == "quorum" else values[0])


def _names(values: Mapping[str, Any], around: Names | None = None) -> Names:
    def look(name: str) -> Any:
        if name in values:
            return values[name]
        if around is None:
            raise KeyError(name)
        return around(name)

    return look


def _shown(done: Done) -> Any:
    """Return what others read of a node."""
    return done.value if done.state == "value" else SKIPPED


def _only(end: Done) -> Done:
    """Return how a region of one round ends: it gives null where it yields nothing."""
    return Done("value", end.past) if end.value is SKIPPED else end


def _gathered(ends: Sequence[Done], on_error: str) -> Iterator[Any]:
    for end in ends:
        if on_error == "collect":
            if end.state == "failed":
                yield {"error": {name: end.value[name] for name in ("code", "kind", "message")}}
            else:
                yield {} if end.value is SKIPPED else {"value": end.value}
        elif end.state == "value" and end.value is not SKIPPED:
            yield end.value


def _failure(node: Node, place: Place, kind: str, code: str) -> dict[str, Any]:
    kind_of = f"{node.type}@{node.version}"
    return {
        "node": place.prefix + node.id, "type": kind_of, "kind": kind, "code": code, "message": "", "attempts": 1,
    }  # fmt: skip
