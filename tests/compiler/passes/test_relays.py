"""Relays: no stage tells more than 64 others."""

from __future__ import annotations

from collections import Counter

import pytest

from saltern_compiler.passes.planning.relays import START, insert_relays
from saltern_runtime.graph import Graph, Stage, node
from saltern_runtime.spec.limits import AT_ONCE


def hears_from(needs, relays):
    """Who hears from whom, as the runtime derives it."""
    heard = {}
    for name in (*needs, *relays.needs):
        sources = set(needs.get(name, ())) | ({relays.needs[name]} if name in relays.needs else set())
        for relay in relays.hears.get(name, ()):
            sources.discard(relays.needs[relay])
            sources.add(relay)
        heard[name] = (sources - {START}) or {START}
    return heard


@pytest.mark.parametrize("count", [1, 63, 64, 65, 100, 127, 128, 129, 1000, 4096, 4097, 10_000])
@pytest.mark.parametrize("source", ["root", START])
def test_nobody_tells_too_many(count, source):
    """However wide a fan-out is, each one tells 64 at most, and everybody hears."""
    needs = {"root": ()} if source else {}
    needs |= {f"n{number}": ((source,) if source else ()) for number in range(count)}
    relays = insert_relays(needs)
    told = Counter(each for sources in hears_from(needs, relays).values() for each in sources)
    assert max(told.values()) <= AT_ONCE
    for name in needs:
        if name == "root":
            continue
        seen = name
        while seen not in ("root", START):
            (seen,) = hears_from(needs, relays)[seen] if count <= 129 else {relays.needs.get(seen, source)}
        assert seen == source


def test_no_relays_where_none_are_needed():
    """64 dependants need no relay."""
    assert not insert_relays({"a": (), **{f"n{i}": ("a",) for i in range(64)}}).needs


def test_few_relays():
    """A hundred dependants need one relay: 36 hear directly, 64 through it."""
    relays = insert_relays({"a": (), **{f"n{i}": ("a",) for i in range(100)}})
    assert relays.needs == {"relay_1": "a"}
    assert len(relays.hears) == 64


def test_names_of_relays_are_free():
    """A node may be called relay_1."""
    relays = insert_relays({"relay_1": (), **{f"n{i}": ("relay_1",) for i in range(65)}}, taken={"relay_2"})
    assert relays.needs == {"relay_3": "relay_1"}


def test_two_sources_have_relays_of_their_own():
    """What stands behind two wide sources hears from a relay of each."""
    needs = {"a": (), "b": (), **{f"n{i}": ("a", "b") for i in range(100)}}
    relays = insert_relays(needs)
    assert relays.hears["n99"] == ("relay_1", "relay_2")


def test_the_runtime_accepts_it():
    """The graph that generated code builds finds nobody telling too many, and the same ones hearing."""
    needs = {"root": (), **{f"n{i}": ("root",) for i in range(200)}}
    relays = insert_relays(needs)

    @node("root", type="set@1")
    def root() -> int:
        return 1

    def reader(name: str):
        def read(*, root: int) -> int:
            return root

        read.__name__ = name
        return node(name, type="set@1")(read)

    stages = [Stage("root", nodes=(root,))]
    stages += [Stage(name, nodes=(), after=(source,)) for name, source in relays.needs.items()]
    stages += [Stage(name, nodes=(reader(name),), relay=relays.hears.get(name, ())) for name in needs if name != "root"]
    graph = Graph("wide", package="wide", stages=tuple(stages))
    assert len(graph.dependants["root"]) <= 64
    told = {name for relay in ("root", *relays.needs) for name in graph.dependants[relay]}
    assert told == {f"n{i}" for i in range(200)} | relays.needs.keys()
