"""Whether a run of the old pipeline may go on with the stages of the new one, and from where.

A node that has ended keeps its value, and all else is taken from the new pipeline: nodes of the pipeline's own graph are carried
over by their pairs, what is new still runs, what is gone is left behind. Values are held against whole types, as workers read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Final

from saltern_compiler.diff.forms import form_of
from saltern_compiler.diff.matching import Matching, Nodes
from saltern_compiler.diff.model import Hurdle, Runs
from saltern_compiler.diff.nodes import Pair, pairs_of
from saltern_compiler.diff.side import Side
from saltern_compiler.diff.types import flows
from saltern_compiler.ir.graph import dependencies, own_reads
from saltern_compiler.ir.pipeline import RETURN, Node, called_by
from saltern_compiler.ir.values import Literal, same_json
from saltern_compiler.passes.analyses.conditions import TRUE
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, Type, show
from saltern_runtime.spec.names import COMPENSATE, ERROR, INPUT, OUTCOMES

_RUN: Final = "run"


def runs_of(old: Side, new: Side, matching: Matching, used: frozenset[str]) -> Runs:
    """Say where runs may go on. `used`: names, in the new pipeline, of the pipelines that mean something else now."""
    found = _Runs(old, new, matching, used)
    hurdles = tuple(dict.fromkeys(found.hurdles()))
    starts, anywhere = found.points(hurdles)
    return Runs(hurdles, found.carried, found.kept(), starts, stuck=not anywhere)


@dataclass(slots=True)
class _Runs:
    old: Side
    new: Side
    matching: Matching
    used: frozenset[str]
    carried: dict[str, str] = field(default_factory=dict)
    """Old id → new id, both outside of regions."""
    back: dict[str, str] = field(default_factory=dict)
    pairs: dict[str, Pair] = field(default_factory=dict)
    """Old id → the pair, outside of regions."""
    inside: dict[str, str] = field(default_factory=dict)
    """Old id, outside of regions → what differs in its body, in words."""
    _alike: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find what is carried over, and the bodies that differ."""
        every = list(pairs_of(self.matching))
        for pair in every:
            if pair.owners == ("", ""):
                self.carried[pair.old.id] = pair.new.id
                self.pairs[pair.old.id] = pair
        self.back = {new: old for old, new in self.carried.items()}
        for node_id in self.matching.removed:
            self._differs_inside(_top(self.matching.old, node_id), node_id, f"`{node_id}` is gone from its body")
        for node_id in self.matching.added:
            owner = self.back.get(_top(self.matching.new, node_id), "")
            self._differs_inside(owner, node_id, f"`{node_id}` is new in its body")
        for pair in every:
            if pair.differs or pair.old.id != pair.new.id or self._calls_other(pair.new):
                why = f"`{pair.old.id}` in its body means something else now, or has another name"
                self._differs_inside(_top(self.matching.old, pair.old.id), pair.old.id, why)
                owner = self.back.get(_top(self.matching.new, pair.new.id), "")
                self._differs_inside(owner, pair.new.id if owner not in (pair.old.id, "") else owner, why)

    def _differs_inside(self, owner: str, node_id: str, why: str) -> None:
        if owner and owner != node_id:
            self.inside.setdefault(owner, why)

    def _calls_other(self, node: Node) -> bool:
        return called_by(node) in self.used

    # hurdles

    def hurdles(self) -> Iterator[Hurdle]:
        """Yield every state in which a run may not go on."""
        if self.old.pipeline.name != self.new.pipeline.name:
            yield Hurdle("runs are kept under the pipeline's name, which is another one now")
        yield from self._of_input()
        for old_id, pair in self.pairs.items():
            yield from self._of_value(old_id, pair)
        for old_id, placed in self.matching.old.by_id.items():
            if not placed.owner:
                yield from self._of_open(placed.node)
            yield from self._of_undoing(old_id, placed.node)

    def _of_input(self) -> Iterator[Hurdle]:
        parting = flows(self.old.pipeline.input, self.new.pipeline.input)
        if parting is None:
            return
        place = f"{INPUT}.{parting.place()}" if parting.path else INPUT
        for reader in self._readers(INPUT):
            why = f"`{reader}` reads the input, and what the run was given may not fit: `{place}`: {parting.reason}"
            yield Hurdle(why, until=self.back.get(reader))

    def _readers(self, name: str) -> list[str]:
        """Return the new nodes outside of regions that read a name, or own what reads it."""
        found = (
            _top(self.matching.new, node_id)
            for node_id, placed in self.matching.new.by_id.items()
            if any(read.name == name for read in own_reads(placed.node))
        )
        return list(dict.fromkeys(found))

    def _of_value(self, old_id: str, pair: Pair) -> Iterator[Hurdle]:
        readers = self.matching.new.readers[pair.new.id]
        ours, theirs = self._type(self.old, old_id), self._type(self.new, pair.new.id)
        parting = flows(ours, theirs)
        sure = self.old.analyzed.types.conditions.has_value.get(old_id) == TRUE
        for reader_id in sorted(readers):
            reader = self.matching.new.by_id[reader_id].node
            top = _top(self.matching.new, reader_id)
            until = self.back.get(top)
            reads = any(read.name == pair.new.id for read in own_reads(reader))
            handles = {edge.handle for edge in reader.control if edge.source == pair.new.id}
            if top == pair.new.id or handles == {COMPENSATE}:
                continue
            if parting is not None and (reads or handles - set(OUTCOMES)):
                place = f"`{parting.place()}`: " if parting.path else ""
                why = f"`{top}` reads what `{old_id}` gave, and that may not fit: {place}{parting.reason}"
                yield Hurdle(why, after=old_id, until=until)
            if (reads or handles) and not sure and not self._is_alike(old_id):
                why = f"whether `{old_id}` runs is decided otherwise now, and `{top}` goes by it"
                yield Hurdle(why, after=old_id, until=until)
            if ERROR in handles and not sure and not self._kept_failure(old_id):
                yield Hurdle(
                    f"`{top}` wants to know how `{old_id}` failed, which was not kept", after=old_id, until=until
                )

    def _type(self, side: Side, node_id: str) -> Type:
        return side.analyzed.types.of.get(node_id, ANY)

    def _kept_failure(self, old_id: str) -> bool:
        """Whether something in the old pipeline hangs on how a node ends, so that its failure is kept."""
        readers = (self.matching.old.by_id[each].node for each in self.matching.old.readers[old_id])
        return any(edge.source == old_id and edge.handle in OUTCOMES for node in readers for edge in node.control)

    def _is_alike(self, old_id: str) -> bool:
        """Whether a node has a value under the same conditions on both sides."""
        todo, seen = [old_id], set[str]()
        while todo:
            each = todo.pop()
            if each in seen:
                continue
            seen.add(each)
            if each not in self._alike:
                self._alike[each] = self._same_condition(each)
            if not self._alike[each]:
                return False
            mine = self.old.analyzed.types.conditions
            atoms = {name for of in (mine.has_value, mine.runs) for term in of.get(each, TRUE) for name, _ in term}
            todo += atoms & self.carried.keys()
        return True

    def _same_condition(self, old_id: str) -> bool:
        new_id = self.carried.get(old_id)
        if new_id is None:
            return False
        ours, theirs = self.old.analyzed.types.conditions, self.new.analyzed.types.conditions
        for before, after in ((ours.has_value, theirs.has_value), (ours.runs, theirs.runs)):
            named = {
                frozenset((self.carried.get(n, f"{n} (gone)"), h) for n, h in term) for term in before.get(old_id, TRUE)
            }
            if named != set(after.get(new_id, TRUE)):
                return False
        return True

    def _of_open(self, node: Node) -> Iterator[Hurdle]:
        """Yield what stops a run while a node waits, or its body runs."""
        spec = self.old.spec(node)
        if node.body is None and (spec is None or not spec.suspends or spec.detached):
            return
        pair = self.pairs.get(node.id)
        if spec is not None and spec.awaits is not None and spec.awaits.choices is None and self._is_deaf(node, pair):
            why = f"what was sent for `{node.id}` may have come already, and nothing of that name takes it any more"
            yield Hurdle(why, until=node.id)
            return
        what = "its body runs" if node.body is not None or called_by(node) else "it waits"
        if pair is None:
            yield Hurdle(f"there is no `{node.id}` any more, and {what}", during=node.id)
        elif node.id in self.inside:
            yield Hurdle(f"{self.inside[node.id]}, and {what}", during=node.id)
        elif self._calls_other(pair.new):
            yield Hurdle(f"what `{node.id}` calls means something else now, and {what}", during=node.id)
        elif pair.differs or pair.old.id != pair.new.id:
            yield Hurdle(f"`{node.id}` means something else now, or has another name, and {what}", during=node.id)

    def _is_deaf(self, node: Node, pair: Pair | None) -> bool:
        """Whether an answer that came before its node waited for it, and is kept, is taken by none on the new side."""
        if pair is None or pair.old.id != pair.new.id:
            return True
        return flows(self._type(self.old, node.id), self._type(self.new, node.id)) is not None

    def _of_undoing(self, old_id: str, node: Node) -> Iterator[Hurdle]:
        if node.type != COMPENSATE or old_id in self.matching.pairs:
            return
        for edge in node.control:
            top = _top(self.matching.old, edge.source)
            yield Hurdle(f"nothing takes back any more what `{edge.source}` did, should the run fail", after=top)

    # what stays behind

    def kept(self) -> tuple[str, ...]:
        """Return the old nodes whose values the new pipeline would not have made: changed ones, and what stands on them."""
        changed = self._changed_connections()
        stale = {
            pair.new.id
            for old_id, pair in self.pairs.items()
            if pair.differs
            or old_id in self.inside
            or not self._is_alike(old_id)
            or show(self._type(self.old, old_id)) != show(self._type(self.new, pair.new.id))
            or any(self._is_other(inner, changed) for inner in _with_body(pair.new))
            or self._is_undone_now(pair)
        }
        needs = dependencies(self.new.pipeline.body)
        feeds: dict[str, list[str]] = {}
        for node_id, sources in needs.items():
            for source in sources:
                feeds.setdefault(source, []).append(node_id)
        todo = [*stale, *(each for each in self.matching.added if each in needs)]
        while todo:
            for node_id in feeds.get(todo.pop(), ()):
                if node_id not in stale:
                    stale.add(node_id)
                    todo.append(node_id)
        return tuple(sorted(self.back[node_id] for node_id in stale if node_id in self.back))

    def _changed_connections(self) -> frozenset[str]:
        names = self.matching.names
        ours = {names.connections.get(each.name, each.name): each for each in self.old.pipeline.connections}
        same = {
            each.name
            for each in self.new.pipeline.connections
            if each.name in ours and same_json(form_of(names.of_connection(ours[each.name])), form_of(each))
        }
        return frozenset(each.name for each in self.new.pipeline.connections) - same

    def _is_other(self, node: Node, connections: frozenset[str]) -> bool:
        """Whether what a node stands on, beside its parameters, is another: connection, own module, used pipeline."""
        if self._calls_other(node) or {node.connection, *dict(node.mapping).values()} & connections:
            return True
        spec = self.new.spec(node)
        value = node.param(spec.imports_param) if spec is not None and spec.imports_param else None
        return isinstance(value, Literal) and self.old.files != self.new.files

    def _is_undone_now(self, pair: Pair) -> bool:
        def undone(nodes: Nodes, node_id: str) -> bool:
            return any(nodes.by_id[each].node.type == COMPENSATE for each in nodes.readers[node_id])

        return undone(self.matching.new, pair.new.id) and not undone(self.matching.old, pair.old.id)

    def points(self, hurdles: tuple[Hurdle, ...]) -> tuple[tuple[str, ...], bool]:
        """Return the old nodes at which a run that has come to them, and no further, may go on; and whether there is any point.

        Points are those, and after each node, as they follow each other.
        """
        order = [
            node_id
            for node_id, placed in self.matching.old.by_id.items()
            if not placed.owner and placed.node.type != COMPENSATE
        ]
        if not hurdles:
            return tuple(order), True
        bits = {name: 1 << place for place, name in enumerate(_named(hurdles))}
        rules = [
            (bits.get(hurdle.after or "", 0), bits.get(hurdle.until or "", 0))
            for hurdle in hurdles
            if hurdle.during is None
        ]

        def is_free(ended: int) -> bool:
            return not any(ended & after == after and not ended & until for after, until in rules)

        needs = dependencies(self.old.pipeline.body)
        behind: dict[str, int] = {}
        found, passed, anywhere = [], 0, False
        for node_id in order:
            mask = 0
            for source in needs.get(node_id, ()):
                mask |= behind.get(source, 0) | bits.get(source, 0)
            behind[node_id] = mask
            if is_free(mask):
                found.append(node_id)
            passed |= bits.get(node_id, 0)
            anywhere = anywhere or (node_id != RETURN and is_free(passed))
        return tuple(found), bool(found) or anywhere


def _named(hurdles: tuple[Hurdle, ...]) -> dict[str, None]:
    return dict.fromkeys(name for hurdle in hurdles for name in (hurdle.after, hurdle.until) if name is not None)


def _top(nodes: Nodes, node_id: str) -> str:
    """Return the node outside of regions that a node is, or stands in."""
    while nodes.by_id[node_id].owner:
        node_id = nodes.by_id[node_id].owner
    return node_id


def _with_body(node: Node) -> Iterator[Node]:
    yield node
    if node.body is not None:
        yield from node.body.walk()
