"""What stood before and behind nodes that no stage runs: in a run that ends early it tells whether these would have run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from saltern_compiler.ir.attempts import is_race
from saltern_compiler.ir.plan import Elided
from saltern_compiler.passes.analyses.shape import Shape


def with_neighbours(elided: Collection[Elided], given: Shape, live: Shape) -> Iterator[Elided]:
    """Yield nodes of a pipeline's own graph with those nearest to them that run, as far as they tell more than `same_as` does.

    `given` is the pipeline with all of them, `live` the one without. What is in a body is summed up over its rounds, and stays as it is.
    """
    behind: defaultdict[str, list[str]] = defaultdict(list)
    for node_id in given.flows[""] if elided else ():
        for name in given.before[node_id]:
            behind[name].append(node_id)
    for each in elided:
        node = given.nodes.get(each.node)
        if node is None or each.node in given.owner or each.same_as in live.owner:
            yield each
            continue
        known = {each.same_as, *live.before[each.same_as]}
        needs = tuple(name for name in _nearest(each.node, given.before, live) if name not in known)
        sure = each.skipped or not node.control
        feeds = {
            name
            for name in (_nearest(each.node, behind, live) if sure else ())
            if each.same_as not in live.before[name] and not is_race(live.nodes[name])
        }
        first = tuple(sorted(name for name in feeds if feeds.isdisjoint(live.before[name])))  # they tell of the others
        yield replace(each, needs=needs, feeds=first)


def _nearest(node_id: str, edges: Mapping[str, Collection[str]], live: Shape) -> list[str]:
    """Return the nodes that run which edges lead to, through such that do not; sorted."""
    found, todo, seen = list[str](), [node_id], {node_id}
    while todo:
        for name in edges.get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                (found if name in live.nodes else todo).append(name)
    return sorted(found)
