"""Derived edges, order and cycles of a region."""

from saltern_compiler.diagnostics.model import NOWHERE, Origin
from saltern_compiler.expr.ast import Call, Ident, Select
from saltern_compiler.expr.parse import parse
from saltern_compiler.ir import graph
from saltern_compiler.ir.graph import Cycle, cycles, dependants, dependencies, reads, topological
from saltern_compiler.ir.pipeline import ControlEdge, Node, Region
from saltern_compiler.ir.values import Expression, make_object


def node(node_id, *names, kind="set", **more):
    params = tuple((f"p{at}", Expression(Ident(name))) for at, name in enumerate(names))
    return Node(node_id, kind, params=params, **more)


def ids(region):
    order = topological(region)
    assert not isinstance(order, Cycle)
    return [each.id for each in order]


def test_reads_name_parameter_reference_and_place():
    """A read says which parameter reads what, how far, and exactly where it stands."""
    text = "classify.category"
    expr, _ = parse(text, Origin("/x"))
    value = make_object({"a": Expression(expr, Origin("/x"))})
    (read,) = reads(Node("b", "set", params=(("value", value),)))
    assert (read.node, read.param, read.name) == ("b", "value", "classify")
    assert read.reference.path == ("category",)
    assert read.place == Origin("/x", 0, len(text))


def test_merge_and_optional_access_are_guarded_reads():
    """What stands in merge or behind .? may have been skipped; what stands alone may not."""
    strict = Select(Ident("a"), "x")
    guarded = Call("merge", (Select(Ident("b"), "x"),))
    optional = Select(Ident("c"), "x", optional=True)
    made = Node(
        "n", "set", params=tuple((name, Expression(e)) for name, e in [("p", strict), ("q", guarded), ("r", optional)])
    )
    assert {read.name: read.reference.guarded for read in reads(made)} == {"a": False, "b": True, "c": True}


def test_dependencies_join_data_control_and_after():
    """A node waits for what it reads, for what it hangs on and for what it comes after, and for nothing outside."""
    region = Region(
        (
            node("a"),
            node("b"),
            node("c"),
            node("d", "a", "input", "nobody", control=(ControlEdge("b", "then"),), after=("c",)),
        )
    )
    assert dependencies(region)["d"] == {"a", "b", "c"}
    assert dependants(region) == {"a": {"d"}, "b": {"d"}, "c": {"d"}, "d": frozenset()}


def test_order_follows_data_then_ids_and_return_is_last():
    """Nodes stand after all they wait for; ties go by id; a return comes as late as it can."""
    region = Region((node("a"), node("return", "a", kind="return"), node("y", "z"), node("z")))
    assert ids(region) == ["a", "z", "y", "return"]


def test_order_does_not_depend_on_how_nodes_stand_in_the_region():
    """Any order of the same nodes gives the same answer."""
    nodes = [node("a", "d"), node("b"), node("c", "b", "d"), node("d")]
    assert ids(Region(tuple(nodes))) == ids(Region(tuple(reversed(nodes)))) == ["b", "d", "a", "c"]


def test_a_cycle_is_named_from_its_smallest_id_in_the_direction_of_the_data():
    """Each node of a cycle feeds the next."""
    region = Region((node("c", "b"), node("a", "c"), node("b", "a"), node("outside", "a")))
    assert topological(region) == Cycle(("a", "b", "c"))


def test_every_knot_gives_one_cycle_and_a_node_can_feed_itself():
    """All circles are found at once, the shortest one of each knot."""
    region = Region((node("a", "b"), node("b", "a", "c"), node("c", "b"), node("d", "d"), node("e", "a")))
    assert [cycle.ids for cycle in cycles(region)] == [("a", "b"), ("d",)]


def test_a_region_waits_for_what_its_body_reads_from_around_it():
    """The body's own nodes and variables are not read from around it."""
    body = Region((node("page", "story", "top"), node("text", "page", after=("page",))), ("story",))
    loop = Node("loop", "foreach", params=(("items", Expression(Ident("list"))),), body=body)
    assert sorted((read.node, read.name) for read in reads(loop)) == [("loop", "list"), ("page", "top")]
    region = Region((node("list"), loop, node("top")))
    assert dependencies(region)["loop"] == {"list", "top"}


def test_nodes_that_share_an_id_do_not_break_the_graph():
    """Duplicates are a user's mistake that the checks report: the graph still answers."""
    region = Region((node("a", "b"), node("a"), node("b")))
    assert dependencies(region)["a"] == {"b"}
    assert ids(region) == ["b", "a"]


def test_ten_thousand_nodes_in_a_chain_neither_recurse_nor_take_quadratic_time(monkeypatch):
    """The work grows with the nodes: each node's parameters are looked at once."""
    calls = []
    real = graph.expressions
    monkeypatch.setattr(graph, "expressions", lambda value: calls.append(1) or real(value))
    count = 10_000
    chain = tuple(node(f"n{at:05}", *([f"n{at - 1:05}"] if at else [])) for at in range(count))
    assert len(ids(Region(chain))) == count
    assert len(calls) == count - 1
    ring = (node("n00000", f"n{count - 1:05}"), *chain[1:])
    cycle = topological(Region(ring))
    assert isinstance(cycle, Cycle)
    assert len(cycle.ids) == count
    assert reads(chain[1])[0].origin == NOWHERE
