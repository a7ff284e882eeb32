"""Statements of the language and what they become."""

from __future__ import annotations

import pytest

from saltern_compiler.frontend.language import reader
from saltern_compiler.ir.bound import length_of
from saltern_compiler.ir.pipeline import ControlEdge, Node, Pipeline
from saltern_compiler.ir.values import Expression, Literal, ObjectValue, SecretRef, Template, TypeValue
from saltern_runtime.spec import INT, STRING, Field, Json, Limits, Policy, Retry, obj, optional


def _read(text: str) -> Pipeline:
    pipeline, found = reader.read("pipeline sample\n" + text)
    assert found == []
    assert pipeline is not None
    return pipeline


def _node(text: str, node_id: str = "a") -> Node:
    node = _read(text).body.node(node_id)
    assert node is not None
    return node


def _edges(node: Node) -> list[tuple[str, str]]:
    return [(edge.source, edge.handle) for edge in node.control]


def test_types_of_input_and_output() -> None:
    """Fields are required unless `name?`, may be null with `T?`, and carry their annotations."""
    pipeline = _read('input { id: string, age?: int, body: string? @personal @doc("What they wrote.") }\noutput {}')
    assert pipeline.input == obj(
        {
            "id": STRING,
            "age": Field("age", INT, required=False),
            "body": Field("body", optional(STRING), personal=True, doc="What they wrote."),
        }
    )
    assert pipeline.output == obj({})


def test_without_output() -> None:
    """A pipeline that declares no output has none declared, and without input it takes an empty object."""
    pipeline = _read("return 1")
    assert pipeline.output is None
    assert pipeline.input == obj({})


def test_node() -> None:
    """A node has an operation, a connection, parameters; version 1 is meant where none is written."""
    node = _node('a = slack.post_message(team) { text: "hi", channel: input.channel }')
    assert (node.type, node.version, node.connection) == ("slack.post_message", 1, "team")
    assert [name for name, _ in node.params] == ["channel", "text"]
    assert node.param("text") == Literal("hi")
    assert isinstance(node.param("channel"), Expression)


def test_version() -> None:
    """`@2` after the operation is the node type's version."""
    assert _node("a = llm.chat@2(model) {}").version == 2


def test_switch() -> None:
    """What stands in a block hangs on the handle of its case; cases are sorted, since their order never counts."""
    pipeline = _read(
        """
        a = switch input.kind {
          "two" => { b = set { value: 1 } }
          -1 => { c = set { value: 1 } }
          true => {}
          null => {},
          else => { d = set { value: 1 } }
        }
        """
    )
    found = {node.id: _edges(node) for node in pipeline.body.nodes}
    assert found == {"a": [], "b": [("a", "case.two")], "c": [("a", "case.-1")], "d": [("a", "else")]}
    switch = pipeline.body.node("a")
    assert switch is not None
    assert switch.param("cases") == Literal([-1, None, True, "two"])


def test_cases_in_another_order() -> None:
    """Two switches whose cases differ in their order alone are equal."""
    one = _read('a = switch input.k { "x" => {} "y" => {} }')
    other = _read('a = switch input.k { "y" => {} "x" => {} }')
    assert one == other


def test_if() -> None:
    """`if` has the handles `then` and `else`; of nested blocks the innermost counts."""
    pipeline = _read(
        """
        a = if input.n > 1 {
          b = if input.n > 2 { c = set { value: 1 } }
        } else {
          d = set { value: 2 }
        }
        """
    )
    found = {node.id: _edges(node) for node in pipeline.body.nodes}
    assert found == {"a": [], "b": [("a", "then")], "c": [("b", "then")], "d": [("a", "else")]}


def test_return_in_a_block() -> None:
    """A result hangs on its block like any node."""
    assert _edges(_node('a = if input.ok { return "yes" }', "return")) == [("a", "then")]


def test_after_and_join() -> None:
    """`after` lists what is waited for, `join any` takes the first control input."""
    node = _node("a = set after c, b join any { value: 1 }")
    assert (node.after, node.join) == (("b", "c"), "any")
    assert _node("a = set { value: 1 }").join == "all"


def test_after_on_a_branch() -> None:
    """Branches wait like other nodes."""
    assert _node("a = if input.ok after b { }").after == ("b",)
    assert _node('a = switch input.k after b { "x" => {} }').after == ("b",)


@pytest.mark.parametrize(
    ("decorator", "policy"),
    [
        ("@retry(5)", Policy(retry=Retry(5))),
        ("@retry(attempts: 5, base: 2s, cap: 1m)", Policy(retry=Retry(5, 2.0, 60.0))),
        ("@retry(base: 500ms)", Policy(retry=Retry(base=0.5))),
        ("@timeout(1h30m)", Policy(timeout=5400.0)),
        ("@priority(9)", Policy(priority=9)),
        ("@ttl(10m)", Policy(ttl=600.0)),
        ("@on_error(continue)", Policy(on_error="continue")),
        ('@on_ambiguous("fail")', Policy(on_ambiguous="fail")),
        ("@cache(1h)", Policy(cache=3600.0)),
    ],
)
def test_policies(decorator: str, policy: Policy) -> None:
    """Each policy is read in seconds and numbers, and its place is kept."""
    node = _node(f"{decorator}\na = set {{ value: 1 }}")
    assert node.policy == policy
    name = decorator[1:].split("(", maxsplit=1)[0]
    assert f"policy:{name}" in dict(node.origins)


def test_label_and_disabled() -> None:
    """A label is shown and never compared; a disabled node says so."""
    node = _node('@label("Say hello")\n@disabled\na = set { value: 1 }')
    assert (node.label, node.disabled) == ("Say hello", True)
    assert node == _node("@disabled\na = set { value: 1 }")


def test_policies_of_pipeline_and_connection() -> None:
    """The pipeline and its connections have policies too."""
    pipeline, found = reader.read("@timeout(5s)\npipeline p\n@retry(2)\nconnection web = http {}")
    assert found == []
    assert pipeline is not None
    assert pipeline.policy == Policy(timeout=5.0)
    assert pipeline.connections[0].policy == Policy(retry=Retry(2))


def test_limits_of_a_connection() -> None:
    """Whom they count by is a word, with quotes or without; any other bare name in a connection is a secret."""
    pipeline = _read(
        """
        connection a = slack { token: env("T"), limits: { per_second: 0.5, concurrency: 3, by: tenant } }
        connection b = slack { token: env("T"), limits: { concurrency: 3, by: "tenant" } }
        connection c = slack { token: env("T"), limits: { concurrency: three } }
        """
    )
    first, second, third = (each.setting("limits") for each in pipeline.connections)
    assert first == Literal({"per_second": 0.5, "concurrency": 3, "by": "tenant"})
    assert second == Literal({"concurrency": 3, "by": "tenant"})
    assert third == ObjectValue((("concurrency", SecretRef("three")),))
    assert pipeline.connections[1].limits == Limits(concurrency=3, by="tenant")


def test_secrets() -> None:
    """Secrets are references; an inline one gets a name made of its variable, or that of a secret with the same source."""
    pipeline = _read(
        """
        secret token = env("SLACK_TOKEN")
        connection a = slack { token: token }
        connection b = slack { token: env("SLACK_TOKEN") }
        connection c = slack { token: env("OTHER") }
        """
    )
    assert [(each.name, each.reference) for each in pipeline.secrets] == [
        ("other", "env:OTHER"),
        ("token", "env:SLACK_TOKEN"),
    ]
    used = [each.setting("token") for each in pipeline.connections]
    assert used == [SecretRef("token"), SecretRef("token"), SecretRef("other")]


def test_derived_name_that_is_taken() -> None:
    """A derived name makes room for a declared one, wherever that stands."""
    pipeline = _read('secret key = env("ONE")\nconnection a = openai { key: env("KEY") }')
    assert [(each.name, each.reference) for each in pipeline.secrets] == [("key", "env:ONE"), ("key_2", "env:KEY")]


def test_a_secret_given_as_a_value_is_kept_for_the_checks() -> None:
    """The reader keeps what stands there; the check for literal secrets reports it."""
    assert _read('secret key = "abc"').secrets[0].reference == "abc"


def test_triggers() -> None:
    """A webhook has a path, a signature and a secret."""
    pipeline = _read('on webhook "/t" { signature: standard, secret: env("S") }\non api')
    assert [each.type for each in pipeline.triggers] == ["api", "webhook"]
    assert dict(pipeline.triggers[1].settings) == {
        "path": Literal("/t"),
        "signature": Literal("standard"),
        "secret": SecretRef("s"),
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("github", "github"),
        ("none", "none"),
        ("token {}", {"token": {}}),
        ('hmac { header: "X-A", encoding: base64 }', {"hmac": {"header": "X-A", "encoding": "base64"}}),
        ('{ hmac: { header: "X-A", encoding: "base64" } }', {"hmac": {"header": "X-A", "encoding": "base64"}}),
        ("hmac {\n  header: 'X-A'  # theirs\n  algorithm: sha1\n}", {"hmac": {"header": "X-A", "algorithm": "sha1"}}),
    ],
)
def test_signatures(written: str, meant: Json) -> None:
    """A word, or a word with settings, in which words are texts."""
    pipeline = _read(f'on webhook "/t" {{ signature: {written}, secret: env("S") }}')
    assert dict(pipeline.triggers[0].settings)["signature"] == Literal(meant)


def test_settings_and_description() -> None:
    """Settings are kept in seconds; the description may have many lines."""
    pipeline = _read("description `\n  One.\n  Two.\n`\nsettings { deadline: 1h, retention: 7d }")
    assert pipeline.description == "One.\nTwo."
    assert pipeline.settings == (("deadline", 3600.0), ("retention", 604800.0))


def test_concurrency() -> None:
    """Fields of the input are kept as their paths, one or several."""
    pipeline = _read("settings { concurrency: { key: input.order.id, at_most: 2, then: drop } }")
    assert pipeline.settings == (("concurrency", {"key": "input.order.id", "at_most": 2, "then": "drop"}),)
    pipeline = _read("settings { concurrency: { key: [input.a, input.b] } }")
    assert pipeline.settings == (("concurrency", {"key": ["input.a", "input.b"]}),)


def test_foreach() -> None:
    """A foreach owns a region that sees its variable; what stands in it hangs on no block around it."""
    node = _node(
        """
        a = foreach story in top.items, at most 4, on error continue {
          b = http.request { url: story.url }
          yield { page: b.body }
        }
        """
    )
    assert node.type == "foreach"
    assert [name for name, _ in node.params] == ["at_most", "items", "on_error"]
    assert node.param("at_most") == Literal(4)
    assert node.param("on_error") == Literal("continue")
    assert node.body is not None
    assert node.body.variables == ("story",)
    assert [(each.id, each.type, each.control) for each in node.body.nodes] == [
        ("a/yield", "yield", ()),
        ("b", "http.request", ()),
    ]


def test_foreach_in_a_block() -> None:
    """The region's owner hangs on the block, its nodes do not."""
    node = _node("c = if input.ok { a = foreach x in input.xs { b = set { value: x } } }")
    assert _edges(node) == [("c", "then")]
    assert node.body is not None
    assert node.body.nodes[0].control == ()


def test_else_if() -> None:
    """It is an `if` in the `else` of another one, named after that; its own `else` goes on in the same way."""
    pipeline, found = reader.read(
        "pipeline p\na = if input.x { b = set { value: 1 } } else if input.y { c = set { value: 2 } } else { d = set { value: 3 } }"
    )
    assert found == []
    assert pipeline is not None
    assert {node.id: _edges(node) for node in pipeline.body.nodes} == {
        "a": [], "a_else": [("a", "else")], "b": [("a", "then")], "c": [("a_else", "then")], "d": [("a_else", "else")],
    }  # fmt: skip


def test_several_literals_in_a_case() -> None:
    """What stands in the block hangs on any of them; the switch has each as a case of its own."""
    pipeline, found = reader.read(
        'pipeline p\na = switch input.x { "b", 2, true => { c = set { value: 1 } } null => {} }'
    )
    assert found == []
    assert pipeline is not None
    node = pipeline.body.node("c")
    assert node is not None
    assert (_edges(node), node.join) == ([("a", "case.2"), ("a", "case.b"), ("a", "case.true")], "any")
    cases = pipeline.body.nodes[0].param("cases")
    assert isinstance(cases, Literal)
    assert cases.value == [2, "b", None, True]


@pytest.mark.parametrize("clause", ["join any", "join all", "when b.then"])
def test_what_several_cases_activate_hangs_on_nothing_else(clause: str) -> None:
    """A node hangs on any or on all of its handles: these and another one cannot be said."""
    _, found = reader.read(
        f"pipeline p\nb = if true {{}}\na = switch input.x {{ 1, 2 => {{ c = set {clause} {{ value: 1 }} }} }}"
    )
    assert [each.code for each in found] == ["syntax-error"]


def test_on_error() -> None:
    """What stands in the block hangs on the handle `error`; the name is a node that gives the failure."""
    pipeline, found = reader.read(
        'pipeline p\na = http.request { url: "x" } on error e { b = set { value: e.code } }\n'
        "c = foreach x in [1] { yield x } on error { d = set { value: 1 } }"
    )
    assert found == []
    assert pipeline is not None
    assert {node.id: (node.type, _edges(node)) for node in pipeline.body.nodes} == {
        "a": ("http.request", []), "e": ("error", [("a", "error")]), "b": ("set", [("a", "error")]),
        "c": ("foreach", []), "d": ("set", [("c", "error")]),
    }  # fmt: skip


def test_try() -> None:
    """It is a region that is attempted, one that hangs on its failure, and what takes the value of either."""
    pipeline, found = reader.read(
        "pipeline p\nr = if input.x { a = try after z { b = set { value: 1 } yield b } catch e { yield e.code } }"
    )
    assert found == []
    assert pipeline is not None
    nodes = {node.id: node for node in pipeline.body.nodes}
    assert {name: (node.type, _edges(node), node.after) for name, node in nodes.items() if name != "r"} == {
        "a": ("try", [("r", "then")], ("z",)),
        "a/attempt": ("attempt", [("r", "then")], ("z",)),
        "a/catch": ("catch", [("a/attempt", "error")], ()),
    }
    attempt, catch = nodes["a/attempt"].body, nodes["a/catch"].body
    assert attempt is not None
    assert catch is not None
    assert [node.id for node in attempt.nodes] == ["a/attempt/yield", "b"]
    assert ([node.id for node in catch.nodes], catch.variables) == (["a/catch/yield"], ("e",))


def test_a_try_catches() -> None:
    """Without a catch it would change nothing."""
    _, found = reader.read("pipeline p\na = try { yield 1 }")
    assert [each.code for each in found] == ["syntax-error"]


def test_while() -> None:
    """What it asks before each round stands in its body, where the state has a name; everything else is a parameter."""
    node = _node(
        "a = while s: { n: int } = { n: 0 }, s.n < 3, at most 20, within 1m30s, on limit continue { b = wait { for: 30s } next { n: s.n } }"
    )
    assert node.body is not None
    assert node.body.variables == ("s",)
    assert [(each.id, each.type) for each in node.body.nodes] == [
        ("a/check", "check"), ("a/next", "next"), ("b", "wait"),
    ]  # fmt: skip
    assert length_of(dict(node.params)["within"]) == 90
    assert {name: value for name, value in node.params if name != "within"} == {
        "state": Literal({"n": 0}), "type": TypeValue(obj({"n": INT})), "at_most": Literal(20), "on_limit": Literal("continue"),
    }  # fmt: skip


def test_the_time_of_a_loop_is_no_name() -> None:
    """`within` is a word where a length stands behind it; a loop over items has none."""
    node = _node("a = while within = { n: 0 }, within.n < 3, at most 20 { next within }")
    assert node.param("within") is None
    told = _node('a = while s = { n: 0 }, s.n < 3, at most 20, within "2h" { next s }')
    assert told.param("within") == Literal("2h"), "as a document may have it"
    _, found = reader.read("pipeline p\na = foreach x in input.xs, within 2h { yield x }")
    assert [(each.code, each.message) for each in found] == [("syntax-error", "a `foreach` has no `within`")]


def test_a_loop_has_one_condition() -> None:
    """A second one is a mistake, where it stands."""
    _, found = reader.read("pipeline p\na = while s = { n: 0 }, s.n < 3, s.n > 5, at most 20 { next s }")
    assert [each.code for each in found] == ["syntax-error"]


def test_parallel() -> None:
    """It is an arm each, and what takes their values; what it joins is a parameter."""
    pipeline, found = reader.read(
        "pipeline p\nr = if input.x { a = parallel, join quorum 2 after z { two => { b = set { value: 1 } yield b } one => { yield 2 } } }"
    )
    assert found == []
    assert pipeline is not None
    nodes = {node.id: node for node in pipeline.body.nodes}
    assert {name: (node.type, _edges(node), node.after) for name, node in nodes.items() if name != "r"} == {
        "a": ("parallel", [("r", "then")], ("z",)),
        "a/one": ("arm", [("r", "then")], ("z",)),
        "a/two": ("arm", [("r", "then")], ("z",)),
    }
    assert {name: value for name, value in nodes["a"].params if name != "values"} == {
        "join": Literal("quorum"), "quorum": Literal(2),
    }  # fmt: skip
    body = nodes["a/two"].body
    assert body is not None
    assert [node.id for node in body.nodes] == ["a/two/yield", "b"]


def test_words_are_not_reserved() -> None:
    """Keywords are keywords only where they stand for one: as names of nodes and keys they are names."""
    words = "on if else switch foreach while try catch parallel return yield next after join type secret settings description"
    names = words.split()
    pipeline = _read("\n".join(f"{name} = set {{ value: {{ {name}: input.{name} }} }}" for name in names))
    assert sorted(node.id for node in pipeline.body.nodes) == sorted(names)
    entries = ", ".join(f"{name}: {name}" for name in names if name != "type")
    _read(f"all = set {{ value: {{ {entries} }} }}")


def test_keys_on_lines_of_their_own() -> None:
    """Keywords are keys as well where no comma stands before them."""
    keys = ["on", "if", "else", "return", "yield", "after", "join", "type", "secret", "input", "output", "compensate"]
    node = _node("a = set {\n" + "\n".join(f"{key}: x" for key in keys) + "\n}")
    assert sorted(name for name, _ in node.params) == sorted(keys)


def test_two_nodes_of_one_name() -> None:
    """Both stay, in written order, for the check to report."""
    pipeline = _read("a = set { value: 1 }\na = set { value: 2 }")
    assert [node.param("value") for node in pipeline.body.nodes] == [Literal(1), Literal(2)]


def test_order_never_counts() -> None:
    """Sections and statements may stand in any order."""
    one, found = reader.read("pipeline p\ninput { n: int }\na = set { value: input.n }\nreturn a\non api")
    other, more = reader.read("return a\non api\na = set { value: input.n }\ninput { n: int }\npipeline p")
    assert (found, more) == ([], [])
    assert one == other


def test_comments_and_line_ends() -> None:
    """Comments begin with `#`; Windows line ends and a byte order mark change nothing."""
    plain = "pipeline p # name\n# nothing\na = set { value: `\n  x # y\n  z\n` }\n"
    one, found = reader.read(plain)
    other, more = reader.read("\ufeff" + plain.replace("\n", "\r\n"))
    assert (found, more) == ([], [])
    assert one == other
    assert one is not None
    assert one.body.nodes[0].param("value") == Literal("x # y\nz")


def test_no_control_edges_at_the_top() -> None:
    """What stands in no block hangs on nothing."""
    assert _node("a = set { value: 1 }").control == ()
    assert ControlEdge("a", "then") == ControlEdge("a", "then")


def test_templates_are_templates() -> None:
    """A template with an expression in it stays one."""
    value = _node("a = set { value: `x {{ input.n }}` }").param("value")
    assert isinstance(value, Template)


def test_when() -> None:
    """`when` hangs a node on handles where no block can: several of them, or of a node that stands elsewhere."""
    pipeline = _read(
        """
        a = switch input.kind { "on hold" => { c = set when b.then { value: 1 } } }
        b = if true {}
        d = set when any(a.case."on hold", b.else, a.else) after c { value: 1 }
        @label("Back")
        return 1 when b.then
        """
    )
    nodes = {node.id: node for node in pipeline.body.nodes}
    assert _edges(nodes["c"]) == [("a", "case.on hold"), ("b", "then")]
    assert _edges(nodes["d"]) == [("a", "case.on hold"), ("a", "else"), ("b", "else")]
    assert (nodes["d"].join, nodes["c"].join, nodes["d"].after) == ("any", "all", ("c",))
    assert (_edges(nodes["return"]), nodes["return"].label) == ([("b", "then")], "Back")


def test_use_and_call() -> None:
    """A pipeline is used under a name, and called with its inputs as parameters; `with` maps connections."""
    text = 'use score = "./score.saltern"\na = call score { text: "x" } with { crm: billing, team: other }'
    pipeline = _read(text)
    assert [(use.name, use.path) for use in pipeline.uses] == [("score", "./score.saltern")]
    node = _node(text)
    assert node.type == "call.score"
    assert node.params == (("text", Literal("x")),)
    assert node.mapping == (("crm", "billing"), ("team", "other"))


def test_words_of_calls_are_no_reserved_ones() -> None:
    """Nodes, parameters and pipelines may be called `use`, `call` and `with`."""
    text = 'use with = "./a.saltern"\nuse = set { value: 1 }\ncall = call with { with: 2, call: use }\nwith = set { value: call }'
    nodes = {node.id: node for node in _read(text).body.nodes}
    assert nodes.keys() == {"use", "call", "with"}
    assert nodes["call"].type == "call.with"
    assert [name for name, _ in nodes["call"].params] == ["call", "with"]


def test_a_connection_is_mapped_once() -> None:
    """A name that stands twice behind `with` is found; the first counts."""
    pipeline, found = reader.read("pipeline sample\na = call b {} with { c: d, c: e }")
    assert [each.code for each in found] == ["duplicate-key"]
    assert pipeline is not None
    assert pipeline.body.nodes[0].mapping == (("c", "d"),)
