"""What a run costs at most: the longest way through the stages, and the sum of what they call, read and keep.

Worst is: each attempt takes its time-out and fails but the last, each pause between two attempts is as long as it may be, each
wait lasts to its deadline, each loop has all its rounds, of branches that exclude each other the dearest one is taken. Not counted:
how long work stands in a queue or for a turn of a connection's limits, what another side asks to wait for (`Retry-After`), lost
workers, and runs that are started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from fractions import Fraction
from functools import lru_cache
from typing import Final, cast

from saltern_compiler.ir.amounts import ONE, ZERO, Amount, least, most, number, shares, symbol, weight
from saltern_compiler.ir.attempts import race_of
from saltern_compiler.ir.bound import literals
from saltern_compiler.ir.costs import BYTES, CALLS, CLAIMS, ROUNDS, STAGES, TRIES, Cost, Share, added, show_time, times
from saltern_compiler.ir.pipeline import NEXT, RETURN, YIELD, ControlEdge, Node, Pipeline
from saltern_compiler.passes.analyses.expenses import Asked, attempts_of, expenses, kept, wait_of
from saltern_compiler.passes.analyses.policies import POLICIES, Chosen
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.sizes import SIZE, Sizes
from saltern_compiler.passes.analyses.stages import Group, group_nodes
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.analyses.waits import WAITS, Waits
from saltern_compiler.passes.base import Analysis, Context
from saltern_compiler.passes.uses import Callee, Uses
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import DEFAULT_POLICY, NodeType, Retry, chosen
from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.spec.names import COMPENSATE

_EACH: Final = frozenset({STAGES, CLAIMS})
"""Measures that count for a branch too that is not taken: that it is skipped is settled as well."""


def costs_of(pipeline: Pipeline, context: Context) -> Cost:
    """Return what a run of a pipeline costs; of nodes on and behind a cycle nothing is known."""
    shape, types = context.get(SHAPE, pipeline), context.get(TYPES, pipeline)
    waits = context.get(WAITS, pipeline)
    return _Costing(
        shape, types, context.get(POLICIES, pipeline), context.uses, waits, Sizes(types.nodes, shape), context.level
    ).whole(kept(pipeline.input))


COSTS: Final = Analysis("costs", costs_of)


@dataclass(frozen=True, slots=True)
class _Costing:
    shape: Shape
    types: Types
    policies: Mapping[str, Chosen]
    uses: Uses
    waits: Waits
    sizes: Sizes
    level: int
    known: dict[str, Cost] = field(default_factory=dict)
    """Owner → one round of its body."""
    on_error: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note for each node what becomes of its error."""
        self.on_error.update((node_id, str(chosen["on_error"][0])) for node_id, chosen in self.policies.items())

    def whole(self, given: int) -> Cost:
        """Cost the pipeline, bodies before their owners, so that nests are no deeper for Python than for people."""
        owners = [owner for owner in self.shape.flows if owner]
        for owner in sorted(owners, key=lambda each: -len(self.shape.owners(each))):
            self.known[owner] = self._graph(owner)
        cost = self._graph("")
        amounts = added(cost.amounts, {BYTES: number(given)})
        return Cost(self.waits.best, cost.worst, amounts, cost.path, cost.shares, cost.answered)

    def _graph(self, region: str) -> Cost:
        """Cost the nodes that stand beside each other in a graph."""
        groups = group_nodes(self.shape, self.types, self.on_error, self.level, region)
        listeners = _listeners(groups)
        spent = {group.name: self._stage(group) for group in groups}
        relays = {name: _relays(count) for name, count in listeners.items()}
        ways = _Ways({name: cost.worst for name, (cost, _) in spent.items()}, relays)
        for group in groups:
            node = self.shape.nodes[group.name]
            if node.type != COMPENSATE:
                ways.add(group, node)
        amounts = self._sum(groups, {name: cost.amounts for name, (cost, _) in spent.items()})
        passed_on = sum(count for count, _ in relays.values())
        if passed_on:
            attempts, _ = attempts_of(DEFAULT_POLICY.timeout or 0.0, DEFAULT_POLICY.retry or Retry())
            amounts = added(amounts, {STAGES: number(passed_on), CLAIMS: number(passed_on * attempts)})
        worst, path = ways.longest()
        responds = [group.name for group in groups if any(self.shape.specs[each].responds for each in group.nodes)]
        answers = responds or [group.name for group in groups if RETURN in group.nodes]
        answered = most(*(ways.begins[name] for name in answers)) if answers else worst
        shares = tuple(share for _, share in spent.values())
        return Cost(self.waits.of.get(region, Fraction(0)), worst, amounts, path, shares, answered)

    def _sum(self, groups: tuple[Group, ...], spent: Mapping[str, Mapping[str, Amount]]) -> Mapping[str, Amount]:
        """Add up, of branches that exclude each other the dearest one, each measure by itself."""
        behind: dict[str, dict[str, dict[str, Amount]]] = {}
        whole: dict[str, Amount] = {}
        for group in reversed(groups):
            own: Mapping[str, Amount] = dict(spent[group.name])
            for member in reversed(group.nodes):
                branches = behind.pop(member, {})
                names = {name for branch in branches.values() for name in branch}
                dearest = {name: _dearest(name, branches.values()) for name in names}
                inner = [edge for edge in self.shape.control[member] if edge.source in group.nodes]
                own = added(own, _set_apart(inner, dearest, behind))
            whole = added(whole, _set_apart(group.when, own, behind))
        return whole

    def _stage(self, group: Group) -> tuple[Cost, Share]:
        """Cost a stage, with the body that it opens."""
        node, spec = self.shape.nodes[group.name], self.shape.specs[group.name]
        if node.disabled:
            return Cost(), Share(group.name, "it is off", Cost())
        policy = self.policies[group.name]
        retry = cast("Retry", policy["retry"][0])
        timeout = float(policy["timeout"][0] or 0.0)
        attempts, busy = attempts_of(timeout, retry)
        amounts: dict[str, Amount] = {STAGES: ONE, CLAIMS: number(attempts)}
        amounts[BYTES] = number(sum(kept(self.types.of[member]) for member in group.nodes))
        for member in group.nodes:
            asked = Asked(self.types.nodes[member], self.shape.specs[member], self.types.effects[member], self.sizes)
            amounts = added(amounts, expenses(asked, attempts))
        says = _attempts(attempts, timeout)
        wait, _ = wait_of(node, spec)
        if spec.sleeps or spec.awaits is not None:
            amounts = added(amounts, {CLAIMS: ONE})
            says += f", then a wait of up to {show_time(wait)}" if wait.known is not None else f", then {wait}"
        inner, count, longest = self._inside(node, spec)
        if inner is not None:
            amounts = added(amounts, self._rounds(node, spec, inner, count))
            says += f", then {count} {'time' if count == ONE else 'times'} what is in it"
        worst = busy + wait + longest
        cost = Cost(Fraction(0), worst, amounts, (group.name,))
        return cost, Share(group.name, says, cost, inner, count)

    def _inside(self, node: Node, spec: NodeType) -> tuple[Cost | None, Amount, Amount]:
        """Return what stands in a node, how often it runs, and how long all of that takes."""
        callee = self.uses.get(spec.calls)
        if isinstance(callee, Callee) and not spec.detached and callee.cost is not None:
            typed = self.types.nodes[node.id]
            cost = _renamed(callee.cost, dict(node.mapping)).at(self.sizes.given(typed))
            return cost, ONE, cost.worst
        region = spec.region
        if node.body is None or region is None:
            return None, ZERO, ZERO
        body, known = self.known[node.id], literals(node)
        count, window = self._count(node, spec)
        if region.carries is None:
            return body, count, shares(count, window) * body.worst
        within = chosen(region.carries.within, known)
        longest = count * body.worst
        if isinstance(within, int | float):
            longest = least(longest, number(within) + body.worst)
        return body, count, longest

    def _count(self, node: Node, spec: NodeType) -> tuple[Amount, int]:
        """Return how many rounds a body has at most, and how many of them run at the same time."""
        region, known = spec.region, literals(node)
        assert region is not None, "asked for regions"
        if region.carries is not None:
            limit = chosen(region.carries.limit, known)
            return (
                number(limit) if isinstance(limit, int) else symbol("rounds", node.id, f"`{node.id}` has no limit")
            ), 1
        if region.binds is None or spec.emit in ("once", "error"):
            return ONE, 1
        window = chosen(region.window, known)
        items = [param.name for param in spec.params if param.passed and not param.static]
        value = self.types.nodes[node.id].param(items[0]) if len(items) == 1 else None
        if spec.emit != "value" or value is None:
            count = symbol(SIZE, node.id, f"only the function of {spec.key} knows how many rounds `{node.id}` has")
        else:
            count = self.sizes.of_value(value, node.id)
        return count, window if isinstance(window, int) else 1

    def _rounds(self, node: Node, spec: NodeType, inner: Cost, count: Amount) -> Mapping[str, Amount]:
        """Return what all rounds cost together; what a round keeps is kept as long as it runs."""
        region = spec.region
        amounts = times({name: amount for name, amount in inner.amounts.items() if name != BYTES}, count)
        if region is None:
            return added(amounts, {CLAIMS: ONE, BYTES: inner.of(BYTES)})
        if region.carries is not None:
            state = number(2 * kept(self.types.items[node.id]))
            return added(amounts, {ROUNDS: count, CLAIMS: count, BYTES: inner.of(BYTES) + state})
        if region.binds is None:
            return added(amounts, {CLAIMS: ONE, BYTES: inner.of(BYTES)})
        _, window = self._count(node, spec)
        result = self.types.of.get(f"{node.id}/{YIELD}") or self.types.of.get(f"{node.id}/{NEXT}")
        each = kept(self.types.items[node.id]) + (kept(result) if result is not None else 0)
        memory = least(count, number(window)) * inner.of(BYTES) + count * number(each)
        return added(amounts, {ROUNDS: count, CLAIMS: ONE, BYTES: memory})


@dataclass(slots=True)
class _Ways:
    """The longest ways to the ends of stages."""

    lengths: Mapping[str, Amount]
    relays: Mapping[str, tuple[int, Amount]]
    ends: dict[str, Amount] = field(default_factory=dict)
    begins: dict[str, Amount] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    """Stage → the one before it on the longest way to it."""
    cut: set[str] = field(default_factory=set)
    """Arms of races, which end where the race does."""
    followed: set[str] = field(default_factory=set)
    """Stages that others come after."""

    def add(self, group: Group, node: Node) -> None:
        """Add a stage, once all that it needs are added."""
        edges, _ = race_of(node)
        arms = sorted({edge.source for edge in edges if edge.source in self.ends})
        decided_first = {edge.handle for edge in edges} != {"success"} and bool(arms)
        self.cut.update(arms)
        reached = {
            need: self.ends[need] + self.relays.get(need, (0, ZERO))[1] for need in group.needs if need in self.ends
        }
        first = self.relays.get("", (0, ZERO))[1] if not group.needs else ZERO
        begins = most(first, *(length for need, length in reached.items() if not decided_first or need not in arms))
        if decided_first:
            begins = most(begins, least(*(reached.get(arm, self.ends[arm]) for arm in arms)))
            reached = {need: length for need, length in reached.items() if need not in arms} | {
                min(arms, key=lambda arm: (weight(self.ends[arm]), arm)): begins
            }
        self.followed.update(need for need in group.needs if not decided_first or need not in arms)
        if reached:
            self.before[group.name] = _heaviest(reached)
        self.begins[group.name] = begins
        self.ends[group.name] = begins + self.lengths[group.name]

    def longest(self) -> tuple[Amount, tuple[str, ...]]:
        """Return how long it is until the last stage ends, and the way to it."""
        inner = {*self.cut, *self.followed}
        ends = {name: length for name, length in self.ends.items() if name not in inner}
        if not ends:
            return ZERO, ()
        way = [_heaviest(ends)]
        while way[-1] in self.before:
            way.append(self.before[way[-1]])
        return most(*ends.values()), tuple(reversed(way))


def _heaviest(ends: Mapping[str, Amount]) -> str:
    return max(sorted(ends), key=lambda name: weight(ends[name]))


@lru_cache(maxsize=1024)
def _attempts(attempts: int, timeout: float) -> str:
    return f"{attempts} attempt{'' if attempts == 1 else 's'} of {show_time(number(timeout))}"


def _listeners(groups: tuple[Group, ...]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for group in groups:
        for need in group.needs or ("",):
            counts[need] = counts.get(need, 0) + 1
    return counts


def _relays(listeners: int) -> tuple[int, Amount]:
    """Return how many stages pass on the news of one that so many wait for, and how long that takes."""
    if listeners <= AT_ONCE:
        return 0, ZERO
    count, levels = max(0, -(-(listeners - AT_ONCE) // (AT_ONCE - 1))), 0
    while listeners > AT_ONCE:
        listeners = -(-listeners // AT_ONCE)
        levels += 1
    _, busy = attempts_of(DEFAULT_POLICY.timeout or 0.0, DEFAULT_POLICY.retry or Retry())
    return count + levels, busy * number(levels)


def _set_apart(
    gate: Sequence[ControlEdge], amounts: Mapping[str, Amount], behind: dict[str, dict[str, dict[str, Amount]]]
) -> Mapping[str, Amount]:
    """Count what hangs on one handle with what else does; return what counts anyway."""
    if len(gate) != 1 or gate[0].handle == COMPENSATE:
        return amounts
    handles = behind.setdefault(gate[0].source, {})
    handles[gate[0].handle] = added(handles.get(gate[0].handle, {}), amounts)
    return {}


def _dearest(name: str, branches: Iterator[Mapping[str, Amount]] | object) -> Amount:
    found = [branch.get(name, ZERO) for branch in cast("Iterator[Mapping[str, Amount]]", branches)]
    return sum(found, ZERO) if name in _EACH else most(*found)


def _renamed(cost: Cost, mapping: Mapping[str, str]) -> Cost:
    """Count calls through a connection for the one that stands in for it."""
    if not mapping:
        return cost
    amounts: dict[str, Amount] = {}
    for name, amount in cost.amounts.items():
        kind, colon, target = name.partition(":")
        renamed = f"{kind}:{mapping.get(target, target)}" if colon and f"{kind}:" in (CALLS, TRIES) else name
        amounts = added(amounts, {renamed: amount})
    inner = tuple(
        Share(
            share.node,
            share.says,
            _renamed(share.cost, mapping),
            None if share.inner is None else _renamed(share.inner, mapping),
            share.times,
        )
        for share in cost.shares
    )
    return Cost(cost.best, cost.worst, amounts, cost.path, inner)
