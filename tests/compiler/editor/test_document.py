"""What editor documents mean: sections, values, edges, branches, regions."""

import json

import pytest
import yaml

from saltern_compiler.expr.show import show
from saltern_compiler.frontend import read
from saltern_compiler.ir.canonical import digest
from saltern_compiler.ir.pipeline import ControlEdge
from saltern_compiler.ir.printer import dump_node
from saltern_compiler.ir.values import Expression, Literal, SecretRef, Template, TypeValue
from saltern_compiler.ir.verify import verify
from saltern_runtime.spec import ANY, INT, STRING, Policy, Retry, obj

INPUTS = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def document(*nodes, edges=(), **more):
    return {"schemaVersion": 1, "name": "p", "inputs": INPUTS, "nodes": list(nodes), "edges": list(edges), **more}


def node(node_id, kind="set", /, params=None, **data):
    return {"id": node_id, "type": kind, "data": {**data, **({} if params is None else {"params": params})}}


def edge(source, target, source_handle="out", target_handle="value", **data):
    return {
        "source": source, "target": target, "sourceHandle": source_handle, "targetHandle": target_handle, "data": data,
    }  # fmt: skip


def parsed(made):
    pipeline, findings = read(json.dumps(made), "p.json")
    assert findings == []
    assert pipeline is not None
    verify(pipeline)
    return pipeline


def codes(made):
    pipeline, findings = read(json.dumps(made), "p.json")
    if pipeline is not None:
        verify(pipeline)
    return [(each.code, each.origin.pointer) for each in findings]


def value_of(made):
    return parsed(document(node("n", params={"value": made}))).body.node("n").param("value")


def test_sections_become_the_pipeline():
    """Every section of a document has its place in the IR."""
    made = parsed(
        document(
            node(
                "n",
                "llm.chat",
                {"prompt": "x"},
                connection="model",
                policy={"timeout": "1m30s"},
                disabled=True,
                label="L",
            ),
            description="D",
            outputs={"type": "object", "properties": {"b": {"type": "integer"}}},
            secrets={"key": "env:KEY"},
            connections={
                "model": {"connector": "openai", "settings": {"key": {"$secret": "key"}}, "policy": {"retry": 2}}
            },
            triggers=[{"type": "webhook", "settings": {"path": "/x"}}, {"type": "api"}],
            settings={"deadline": "2h", "retention": 60},
            policy={"priority": 7},
        )
    )
    assert (made.name, made.description, made.input) == ("p", "D", obj({"a": STRING}))
    assert made.output.field("b").type == INT
    assert not made.output.field("b").required
    assert made.secret("key").reference == "env:KEY"
    assert made.connection("model").setting("key") == SecretRef("key")
    assert made.connection("model").policy == Policy(retry=Retry(2))
    assert [trigger.type for trigger in made.triggers] == ["api", "webhook"]
    assert made.settings == (("deadline", 7200.0), ("retention", 60.0))
    assert made.policy == Policy(priority=7)
    found = made.body.node("n")
    assert (found.connection, found.policy, found.disabled, found.label) == ("model", Policy(timeout=90.0), True, "L")


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (1, Literal(1)),
        (1.0, Literal(1.0)),
        (None, Literal(None)),
        ("{{ a }}", Literal("{{ a }}")),
        ("$a", Literal("$a")),
        ([1, {"x": [True]}], Literal([1, {"x": [True]}])),
        ({"$other": 1}, Literal({"$other": 1})),
        ({"$literal": {"$expr": "a"}}, Literal({"$expr": "a"})),
        ({"$literal": {"$literal": 1}}, Literal({"$literal": 1})),
        ({"$expr": "5"}, Literal(5)),
        ({"$template": "plain"}, Literal("plain")),
        ({"$template": 'a {{ "{{" }} b'}, Literal("a {{ b")),
        ({"$secret": "s"}, SecretRef("s")),
        ({"$type": {"type": "string"}}, TypeValue(STRING)),
        ({"$type": True}, TypeValue(ANY)),
    ],
)
def test_values_are_what_they_say_and_nothing_is_sniffed(made, value):
    """A string is a string, an object is an object, unless one of five keys says otherwise."""
    assert value_of(made) == value


def test_expressions_and_lists_of_them_are_in_normal_form():
    """A list or map that an expression makes is the same as one written in JSON."""
    written = value_of({"x": [1, {"$expr": "input.a"}]})
    calculated = value_of({"$expr": "{'x': [1, input.a]}"})
    assert written == calculated


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("a{{ input.a }}b", ["a", "input.a", "b"]),
        ("{{input.a}}{{input.b}}", ["input.a", "input.b"]),
        ('{{ {"x": {"y": "}}"}}.x.y }}!', ['{"x": {"y": "}}"}}.x.y', "!"]),
        ("{ {{ '\\'}}' + input.a }} }", ["{ ", '"\'}}" + input.a', " }"]),
    ],
)
def test_templates_hold_text_as_it_is_and_expressions_between_braces(template, parts):
    """Braces inside strings and maps of an expression do not end it."""
    value = value_of({"$template": template})
    assert isinstance(value, Template)
    assert [part if isinstance(part, str) else show(part.expr) for part in value.parts] == parts


def test_places_inside_templates_count_from_the_string():
    """An expression in a template knows which characters of the string it is."""
    text = "Hello {{ input.a }}"
    value = value_of({"$template": text})
    (part,) = [part for part in value.parts if isinstance(part, Expression)]
    where = part.origin.within(*part.expr.span)
    assert text[where.start : where.end] == "input.a"
    assert where.pointer == "/nodes/0/data/params/value/$template"


def test_an_edge_and_an_expression_mean_the_same():
    """A data edge is a binding: both ways of drawing it have one digest."""
    drawn = parsed(document(node("a", params={"value": 1}), node("b"), edges=[edge("a", "b", "out.x.y-z")]))
    written = parsed(document(node("b", params={"value": {"$expr": "a.x.`y-z`"}}), node("a", params={"value": 1})))
    assert digest(drawn) == digest(written)
    assert drawn.body.node("b").place("param:value").pointer == "/edges/0/targetHandle"


def test_edges_begin_at_the_input_with_or_without_a_node_drawn_for_it():
    """The input is no node; a canvas may draw one to pull edges from."""
    anchor = {"id": "input", "type": "input", "position": {"x": 0, "y": 0}, "data": {"label": "Input"}}
    with_anchor = parsed(document(anchor, node("n"), edges=[edge("input", "n", "out.a")]))
    without = parsed(document(node("n"), edges=[edge("input", "n", "out.a")]))
    assert digest(with_anchor) == digest(without)
    assert show(without.body.node("n").param("value").expr) == "input.a"


def test_several_edges_into_one_parameter_mean_merge_in_their_order():
    """The first in data.order that was not skipped gives the value; a merge node takes them as its list."""
    both = [edge("b", "n", order=1), edge("a", "n", "out.x", order=2)]
    made = parsed(document(node("a", params={"value": 1}), node("b", params={"value": 1}), node("n"), edges=both))
    assert show(made.body.node("n").param("value").expr) == "merge(b, a.x)"
    into_merge = [{**each, "targetHandle": "values"} for each in both]
    made = parsed(
        document(node("a", params={"value": 1}), node("b", params={"value": 1}), node("n", "merge"), edges=into_merge)
    )
    assert "values: [b, a.x]" in dump_node(made.body.node("n"))


def test_the_order_of_arrays_and_all_that_a_canvas_adds_does_not_count():
    """Positions, sizes, notes, groups and the order of nodes and edges leave the digest alone."""
    nodes = [node("a", params={"value": 1}), node("b", "merge"), node("c", params={"value": 2})]
    edges = [edge("a", "b", "out", "values", order=1), edge("c", "b", "out", "values", order=2)]
    plain = parsed(document(*nodes, edges=edges))
    dressed = [
        {
            **each, "position": {"x": 1, "y": 2}, "measured": {"width": 1}, "selected": True, "parentId": "g", "zIndex": 3,
            "className": "x", "style": {"color": "red"}, "data": {**each["data"], "label": "L", "ui": {"mine": [1]}},
        }
        for each in reversed(nodes)
    ]  # fmt: skip
    group = {"id": "g", "type": "group", "data": {"title": "G"}}
    note = {"id": "note 1", "type": "note", "data": {"text": "x"}, "position": {"x": 0, "y": 0}}
    looks = [
        {**each, "id": f"e{at}", "type": "smoothstep", "animated": True} for at, each in enumerate(reversed(edges))
    ]
    note_edge = {"id": "e9", "source": "note 1", "target": "a"}
    made = parsed(document(note, *dressed, group, edges=[*looks, note_edge], viewport={"x": 0}, ui={"theme": "dark"}))
    assert digest(made) == digest(plain)
    assert made == plain


def test_yaml_is_read_into_the_same_pipeline():
    """JSON and YAML differ in nothing but their looks."""
    made = document(
        node("a", params={"value": {"x": [1, 1.5, None, True, "yes", "2020-01-01", "1"]}}),
        node("b"),
        edges=[edge("a", "b")],
    )
    from_yaml, findings = read(yaml.safe_dump(made), "p.yaml")
    assert findings == []
    assert from_yaml == parsed(made)


def test_yaml_scalars_follow_the_core_schema():
    """No Norway problem, no dates, no sexagesimal numbers."""
    text = "schemaVersion: 1\nname: p\nnodes: [{id: n, type: set, data: {params: {value: [no, 12:30, 2020-01-01, 0x10, 1e3, ~, .5]}}}]\n"
    made, findings = read(text, "p.yml")
    assert findings == []
    assert made.body.node("n").param("value") == Literal(["no", "12:30", "2020-01-01", 16, 1000.0, None, 0.5])


# branches


ROUTE = node("route", "if", {"condition": True})


def control(*ends, handle="then"):
    return {"source": ends[0], "target": ends[1], "sourceHandle": handle, "targetHandle": "in"}


def test_control_edges_hang_nodes_on_handles_and_done_means_after():
    """The handle tells the kind of an edge; `done` waits without needing anything."""
    made = parsed(
        document(
            ROUTE, node("a", params={"value": 1}, join="any"), node("b", params={"value": 1}),
            edges=[control("route", "a"), control("route", "a", handle="case.x"), control("a", "b", handle="done")],
        )
    )  # fmt: skip
    a, b = made.body.node("a"), made.body.node("b")
    assert a.control == (ControlEdge("route", "case.x"), ControlEdge("route", "then"))
    assert a.join == "any"
    assert (b.after, b.control, b.place("after:a").pointer) == (("a",), (), "/edges/2")


def test_a_node_drawn_behind_a_branch_belongs_to_it():
    """Normal form has the control edge on all nodes of a branch, however far behind they are drawn."""
    chain = [node("a", params={"value": 1}), node("b"), node("c")]
    flat = parsed(document(ROUTE, *chain, edges=[control("route", "a"), edge("a", "b"), edge("b", "c")]))
    explicit = parsed(
        document(
            ROUTE, *chain,
            edges=[edge("a", "b"), edge("b", "c"), *(control("route", each) for each in "abc")],
        )
    )  # fmt: skip
    assert flat == explicit
    assert flat.body.node("c").control == (ControlEdge("route", "then"),)


def test_merge_return_and_guarded_readers_stay_outside_of_branches():
    """What waits for several branches, or reads with care, belongs to none."""
    made = parsed(
        document(
            ROUTE, node("a", params={"value": 1}), node("m", "merge"), node("return", "return"),
            node("g", params={"value": {"$expr": "merge(a)"}}), node("o", params={"value": {"$expr": "a.?x"}}),
            edges=[control("route", "a"), edge("a", "m", "out", "values"), edge("a", "return")],
        )
    )  # fmt: skip
    assert [each.id for each in made.body.nodes if each.control] == ["a"]


def test_a_node_between_two_branches_belongs_to_neither():
    """Sources with different gates leave it to the checks to say that a value may have been skipped."""
    made = parsed(
        document(
            ROUTE, node("a", params={"value": 1}), node("b", params={"value": 1}), node("n", params={"value": {"$expr": "a + b"}}),
            edges=[control("route", "a"), control("route", "b", handle="else")],
        )
    )  # fmt: skip
    assert made.body.node("n").control == ()


# regions


def test_parents_make_regions_and_groups_do_not():
    """`parentId` of a foreach is its body; a group inside changes nothing."""
    loop = node("loop", "foreach", {"items": [1], "as": "item"})
    group = {"id": "g", "type": "group", "parentId": "loop"}
    inner = {**node("inner", params={"value": {"$expr": "item"}}), "parentId": "g"}
    made = parsed(document(inner, group, loop, node("outer", params={"value": 1})))
    assert [each.id for each in made.body.nodes] == ["loop", "outer"]
    body = made.body.node("loop").body
    assert ([each.id for each in body.nodes], body.variables) == (["inner"], ("item",))


@pytest.mark.parametrize("parents", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "none"}, {"a": "plain"}])
def test_parents_that_are_none_are_reported(parents):
    """A node cannot stand in itself, in nothing, or in a node that holds no others."""
    nodes = [{**node(each, "foreach"), "parentId": parents.get(each)} for each in ("a", "b")]
    found = codes(document(*nodes, node("plain", params={"value": 1})))
    assert {code for code, _ in found} == {"unknown-parent"}
    assert len(found) == len(parents)


def test_regions_nest_only_so_deep():
    """A thousand regions in each other are reported once, and nothing recurses through them."""
    nodes = [{**node(f"r{at}", "foreach"), "parentId": f"r{at - 1}" if at else None} for at in range(1000)]
    assert [code for code, _ in codes(document(*nodes))] == ["nesting-too-deep"]


@pytest.mark.parametrize(
    "text",
    [
        "app: {mode: workflow}\nkind: app\nversion: 0.1.5\nworkflow: {graph: {edges: [], nodes: []}}\n",
        '{"name": "x", "data": {"nodes": [], "edges": []}, "endpoint_name": null}',
        '{"name": "x", "nodes": [], "connections": {}, "active": false}',
        '[{"parameters": {}, "name": "Start", "type": "n8n-nodes-base.start", "typeVersion": 1, "position": [0, 0]}]',
        '{"nodes": [{"id": "a_0", "type": "customNode", "data": {"label": "A", "inputParams": [], "inputs": {}}}], "edges": []}',
    ],
    ids=["dify", "langflow", "n8n", "n8n-nodes", "flowise"],
)
def test_another_editors_document_is_one_finding(text):
    """It says that the document is foreign, and offers no fix that would make it ours."""
    pipeline, findings = read(text, "p.yaml")
    assert pipeline is None
    assert [(each.code, each.fixes) for each in findings] == [("unknown-source-format", ())]


def test_a_canvas_without_a_version_is_no_foreign_document():
    """What has nothing in it that ours never have is checked to the end."""
    found = codes({"nodes": [{"id": "a", "type": "set", "data": {"params": {"value": 1}}}], "edges": []})
    assert [code for code, _ in found] == ["missing-key", "missing-key"]


def test_a_misspelt_version_is_no_foreign_document():
    """What claims a version of ours is checked to the end."""
    assert [code for code, _ in codes({"schemaversion": 1, "name": "p"})] == ["unknown-key", "missing-key"]


def test_the_two_ways_out_of_a_node_in_a_flat_drawing():
    """What is drawn behind the error hangs on it, what reads the value on the success: neither says so itself."""
    made = parsed(
        document(
            node("pay", "http.request", {"url": "x"}),
            node("why", "error"),
            node("tell", "set", {"value": {"$expr": "why.code"}}),
            node("bill", "set", {"value": {"$expr": "pay.status"}}),
            node("file", "set", {"value": {"$expr": "bill"}}),
            node("any", "set", {"value": {"$expr": "merge(pay.status, 0)"}}),
            edges=[{"source": "pay", "target": "why", "sourceHandle": "error", "targetHandle": None}],
        )
    )
    edges = {each.id: [(edge.source, edge.handle) for edge in each.control] for each in made.body.nodes}
    error, success = [("pay", "error")], [("pay", "success")]
    assert edges == {"pay": [], "why": error, "tell": error, "bill": success, "file": success, "any": []}
