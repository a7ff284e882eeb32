"""Which node of the old pipeline became which one of the new: by id, and where that is gone, by structure.

An id that is there on both sides, with the same type, is the same node wherever it stands. Of the others, those that mean the same
are the same, once what they read is called by its new name; and then those of one type that feed the same nodes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Final

from saltern_compiler.diff.forms import Names, form_of
from saltern_compiler.ir.graph import Cycle, own_reads, topological
from saltern_compiler.ir.pipeline import INNER_TYPES, Node, Region
from saltern_runtime.dataclass import dataclass

_ROUNDS: Final = 20
"""Times that the search for renamed and changed nodes begins again with what it has found, at most."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A node and the id of the node whose body it stands in; empty: none."""

    node: Node
    owner: str


@dataclass(frozen=True, slots=True)
class Nodes:
    """All nodes of a pipeline, however deep, in the order of data flow: what owns a body before it."""

    by_id: Mapping[str, Placed]
    readers: Mapping[str, frozenset[str]]
    """Id → the nodes that read it, hang on it or wait for it."""

    @classmethod
    def of(cls, body: Region) -> Nodes:
        """Lay out a pipeline's nodes."""
        by_id = {placed.node.id: placed for placed in _flat(body, "")}
        readers: dict[str, set[str]] = {node_id: set() for node_id in by_id}
        for node_id, placed in by_id.items():
            for name in _reads(placed.node):
                if name in readers:
                    readers[name].add(node_id)
        return cls(by_id, {name: frozenset(ids) for name, ids in readers.items()})


def _flat(region: Region, owner: str) -> Iterator[Placed]:
    order = topological(region)
    for node in region.nodes if isinstance(order, Cycle) else order:
        yield Placed(node, owner)
        if node.body is not None:
            yield from _flat(node.body, node.id)


def _reads(node: Node) -> Iterator[str]:
    yield from (read.name for read in own_reads(node))
    yield from (edge.source for edge in node.control)
    yield from node.after


@dataclass(frozen=True, slots=True)
class Matching:
    """Pairs of ids, old → new, in the order of the old pipeline's data flow; what is in none was added or removed."""

    old: Nodes
    new: Nodes
    pairs: Mapping[str, str]
    names: Names
    """The pairs, with the variables of regions, and the names of everything else."""

    @property
    def removed(self) -> tuple[str, ...]:
        """Ids of the old nodes without a counterpart."""
        return tuple(node_id for node_id in self.old.by_id if node_id not in self.pairs)

    @property
    def added(self) -> tuple[str, ...]:
        """Ids of the new nodes without a counterpart."""
        taken = set(self.pairs.values())
        return tuple(node_id for node_id in self.new.by_id if node_id not in taken)


def match(old: Region, new: Region, names: Names, *, turned: bool = False) -> Matching:
    """Match the nodes of two pipelines; `names` are those of uses, secrets and connections.

    `turned`: search from the new pipeline to the old one. Which way never matters but where nodes are alike, and whoever compares
    two pipelines both ways wants the same pairs.
    """
    before, after = Nodes.of(old), Nodes.of(new)
    if turned:
        search = _Search(after, before, _turned(names))
        pairs = {ours: theirs for theirs, ours in search.run().items()}
    else:
        pairs = _Search(before, after, names).run()
    ordered = {node_id: pairs[node_id] for node_id in before.by_id if node_id in pairs}
    known = ordered | _variables(before, after, ordered)
    return Matching(before, after, ordered, replace(names, nodes=_changed(known)))


def _turned(names: Names) -> Names:
    def turn(of: Mapping[str, str]) -> dict[str, str]:
        return {new: old for old, new in of.items()}

    return Names(turn(names.nodes), turn(names.uses), turn(names.secrets), turn(names.connections))


def _changed(names: Mapping[str, str]) -> dict[str, str]:
    return {old: new for old, new in names.items() if old != new}


def _variables(old: Nodes, new: Nodes, pairs: Mapping[str, str]) -> dict[str, str]:
    """Return how the variables of paired regions are called now; a name that two regions use is left alone where they part."""
    found: dict[str, set[str]] = defaultdict(set)
    for before, after in pairs.items():
        ours, theirs = old.by_id[before].node.body, new.by_id[after].node.body
        if ours is not None and theirs is not None and len(ours.variables) == len(theirs.variables):
            for name, other in zip(ours.variables, theirs.variables, strict=True):
                found[name].add(other)
    return {name: next(iter(others)) for name, others in found.items() if len(others) == 1 and name not in old.by_id}


@dataclass(slots=True)
class _Search:
    old: Nodes
    new: Nodes
    names: Names
    pairs: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    """Ids and variables whose new name is another one."""
    keys: dict[str, str] = field(default_factory=dict)
    """New id → its key, which stays."""

    def run(self) -> dict[str, str]:
        for node_id, placed in self.old.by_id.items():
            other = self.new.by_id.get(node_id)
            if other is not None and self.names.type(placed.node) == other.node.type:
                self.pair(node_id, node_id)
        for _ in range(_ROUNDS):
            self.alike()
            if not self.alike_in_place():
                break
        return self.pairs

    def pair(self, old: str, new: str) -> None:
        self.pairs[old] = new
        self.taken.add(new)
        ours, theirs = self.old.by_id[old].node.body, self.new.by_id[new].node.body
        variables = () if ours is None or theirs is None else zip(ours.variables, theirs.variables, strict=False)
        for name, other in ((old, new), *variables):
            if name != other:
                self.renamed.setdefault(name, other)

    def left(self) -> tuple[list[Placed], list[Placed]]:
        old = [placed for node_id, placed in self.old.by_id.items() if node_id not in self.pairs]
        return old, [placed for node_id, placed in self.new.by_id.items() if node_id not in self.taken]

    def alike(self) -> None:
        """Pair those that mean the same, in the order of data flow, so that what they read has its new name already."""
        old, new = self.left()
        if not old or not new:
            return
        found: dict[str, list[str]] = defaultdict(list)
        for placed in new:
            node_id = placed.node.id
            if node_id not in self.keys:
                self.keys[node_id] = _key(placed, placed.owner, Names())
            found[self.keys[node_id]].append(node_id)
        for placed in old:
            owner = self.pairs.get(placed.owner, "")
            if bool(owner) != bool(placed.owner):
                continue
            names = replace(self.names, nodes=self.renamed)
            candidates = [node_id for node_id in found[_key(placed, owner, names)] if node_id not in self.taken]
            if candidates:
                readers = self.known(self.old.readers[placed.node.id])
                self.pair(placed.node.id, max(candidates, key=lambda each: len(readers & self.new.readers[each])))

    def alike_in_place(self) -> bool:
        """Pair those of one type that alone feed the same nodes, or own the same ones; returns whether there were any."""
        old, new = self.left()
        ours, theirs = defaultdict(list), defaultdict(list)
        for placed in old:
            around = self.around(placed, self.old, self.pairs)
            owner = self.pairs.get(placed.owner, "")
            if around and bool(owner) == bool(placed.owner):
                ours[self.names.type(placed.node), owner, _ending(placed.node), around].append(placed.node.id)
        paired = {node_id: node_id for node_id in self.taken}
        for placed in new:
            around = self.around(placed, self.new, paired)
            if around:
                theirs[placed.node.type, placed.owner, _ending(placed.node), around].append(placed.node.id)
        before = len(self.pairs)
        for key, ids in ours.items():
            if len(ids) == len(theirs.get(key, ())) == 1:
                self.pair(ids[0], theirs[key][0])
        return len(self.pairs) > before

    def known(self, ids: Iterable[str]) -> frozenset[str]:
        return frozenset(self.pairs[node_id] for node_id in ids if node_id in self.pairs)

    def around(self, placed: Placed, of: Nodes, pairs: Mapping[str, str]) -> frozenset[str]:
        """Return the new ids of what a node feeds, and of what stands in its body, as far as they are paired."""
        body = placed.node.body
        inside = [] if body is None else [node.id for node in body.nodes if node.type not in INNER_TYPES]
        return frozenset(pairs[each] for each in (*of.readers[placed.node.id], *inside) if each in pairs)


def _ending(node: Node) -> str:
    """Return what a part or a result is called behind its owner: `catch`, `yield`."""
    return node.id.rpartition("/")[2] if "/" in node.id else ""


def _key(placed: Placed, owner: str, names: Names) -> str:
    """Write what a node means without its id, with what stands in its body."""
    return json.dumps([owner, *_shape(placed.node, names)], sort_keys=True)


def _shape(node: Node, names: Names) -> tuple[object, ...]:
    body = None
    if node.body is not None:
        places = {inner: f"/{place}" for place, inner in enumerate(node.body.variables)}
        inside = replace(names, nodes={**names.nodes, **places})
        body = sorted(
            (json.dumps([inner.id if "/" not in inner.id else "", *_shape(inner, inside)], sort_keys=True))
            for inner in node.body.nodes
        )
    return _ending(node), form_of(names.of_node(node)), body
