"""A personal field and a secret one through every construct: what arrives is found with its way, and nothing else is.

Each construct is statements that read `INPUT.x`, and an expression that carries it on to a parameter of the node `sink`.
"""

import pytest

from saltern_compiler.driver import compile_source
from saltern_compiler.driver.link import link
from saltern_compiler.frontend import read
from saltern_compiler.passes import analyze
from tests.support.compared import REGISTRY

OWN = """
from typing import Annotated, TypedDict

class Found(TypedDict):
    name: str

def same(x: str) -> str:
    return x

def found(x: str) -> Found:
    return {"name": x}
"""
SUB = """pipeline sub

input { x: string, y?: string }
output { out: { x: string, y: string } }

inner = template { text: `{{ input.x }}` }
return { out: { x: inner, y: "y" } }
"""
EMPTY = "response: type { word: string, n: int }"
CONSTRUCTS = {
    "nothing between": ("", "IN.x"),
    "template": ("t = template { text: `Hello {{ IN.x }}` }", "t"),
    "template at the end": ("", "`Hello {{ IN.x }}`"),
    "set": ("s = set { value: { a: { b: IN.x }, c: 1 } }", "s.a.b"),
    "set, by a computed key": ("s = set { value: { a: IN.x, c: 'c' } }", 's[IN.plain == "" ? "a" : "c"]'),
    "list": ("s = set { value: [IN.plain, IN.x] }", "s[1]"),
    "whole object": ("s = set { value: IN }", "s.x"),
    "size": ("", "size(IN.x)"),
    "comparison": ("", 'IN.x == "a"'),
    "condition of a value": ("", 'IN.x == "a" ? 1 : 2'),
    "branches of a value": ("", "IN.flag ? IN.plain : IN.x"),
    "and": ("", 'IN.flag && IN.x != ""'),
    "map over a list": ("", "IN.list.map(i, i + IN.x)"),
    "filter": ("", "IN.list.filter(i, i != IN.x)"),
    "exists": ("", "IN.list.exists(i, i == IN.x)"),
    "bind": ("", "cel.bind(z, IN.x, z + z)"),
    "group": ("", "[IN.x].groupBy(i, i)"),
    "map with computed key": ("", "{(IN.x): 1}"),
    "sort": ("", '["a", IN.x].sortBy(i, i)[0]'),
    "transformMapEntry": ("", "{'a': IN.x}.transformMapEntry(k, v, {(v): k})"),
    "format": ("", '"%s".format([IN.x])'),
    "json": ("", "json.encode({'x': IN.x})"),
    "has": ("", "has(IN.maybe)"),
    "or value": ("", 'IN.?maybe.orValue("")'),
    "merge": ('b = if IN.flag { c = set { value: IN.x } } else { d = set { value: "d" } }', "merge(c, d)"),
    "merge of a node": ('b = if IN.flag { c = set { value: IN.x } } else { d = set { value: "d" } }\nm = merge { values: [c, d] }', "m"),
    "optional read": ("b = if IN.flag { c = set { value: { v: IN.x } } }", "c.?v"),
    "handle that was taken": ('b = if IN.x == "a" { c = set { value: 1 } }\ne = template { text: `{{ b }}` }', "e"),
    "handle of a switch": ('b = switch IN.x { "a" => { c = set { value: 1 } } else => {} }', "b"),
    "foreach over it": ("f = foreach i in [IN.x] { yield i }", "f[0]"),
    "foreach that yields it": ("f = foreach i in IN.list { yield { a: i, b: IN.x } }", "f[0].b"),
    "foreach that collects": ("f = foreach i in [IN.x], on error collect { yield i }", "f[0].value"),
    "message of a round": (
        "f = foreach i in [IN.x], on error collect { r = http.request(open) { url: `/{{ i }}` }\n yield 1 }",
        "f[0].?error.?message",
    ),
    "length of a list": ("f = foreach i in IN.marked_list { yield 1 }", "f"),
    "while, first state": ("w = while s = { a: IN.x, n: 0 }, s.n < 2, at most 3 { next { a: s.a, n: s.n + 1 } }", "w.a"),
    "while, second round": (
        'w = while s = { a: "", b: IN.x, n: 0 }, s.n < 2, at most 3 { next { a: s.b, b: "", n: s.n + 1 } }',
        "w.a",
    ),
    "while, last of a chain": (
        ('w = while s = { a: "", b: "", c: "", d: IN.x, n: 0 }, s.n < 9, at most 9 {\n'
        "  next { a: s.b, b: s.c, c: s.d, d: s.d, n: s.n + 1 }\n}"),
        "w.a",
    ),
    "while, state inside": (
        "w = while s = { a: IN.x, n: 0 }, s.n < 2, at most 3 { t = template { text: s.a }\n next { a: t, n: s.n + 1 } }",
        "w.a",
    ),
    "try": ("y = try { yield IN.x } catch { yield 'c' }", "y"),
    "catch": ("y = try { r = http.request(open) { url: '/' }\n yield 'a' } catch { yield IN.x }", "y"),
    "message that is caught": (
        "y = try { r = http.request(open) { url: `/{{ IN.x }}` }\n yield 'a' } catch e { yield e.message }",
        "y",
    ),
    "error handle": ("r = http.request(open) { url: `/{{ IN.x }}` } on error e { t = set { value: e.message } }", "merge(t, '')"),
    "parallel": ('p = parallel { a => { yield IN.x } b => { yield "b" } }', "p.a"),
    "race": ('p = parallel, join first { a => { yield IN.x } b => { yield "b" } }', "p.value"),
    "quorum": ('p = parallel, join quorum 1 { a => { yield IN.x } b => { yield "b" } }', "p[0].value"),
    "call": ("k = call sub { x: IN.x }", "k.out.x"),
    "call in a loop": ("f = foreach i in [IN.x] { k = call sub { x: i }\n yield k.out.x }", "f[0]"),
    "own code": ('o = python.call { function: "own:same", args: { x: IN.x } }', "o"),
    "own code, by field": ('o = python.call { function: "own:found", args: { x: IN.x } }', "o.name"),
    "answer of a model": (f'l = llm.chat(model) {{ prompt: declassify(IN.x, "no") + IN.x, {EMPTY} }}', "l.word"),
    "answer of a server": ("r = http.request(open) { method: 'POST', url: '/', body: IN.x }", "r.body"),
    "rows": ('q = postgres.query(books) { sql: "select $1", values: [IN.x] }', "q.rows"),
    "rows that return": (
        'q = postgres.execute(books) { sql: "insert into t values ($1) returning a", values: [IN.x], row: type { a: string } }',
        "q.rows[0].a",
    ),
    "cache": ("@cache(1h)\nl = python.call { function: 'own:same', args: { x: IN.plain + IN.x }, effect: 'pure' }", "l"),
}  # fmt: skip
"""Name → statements that carry the label on, what is read of them."""
SHOWN = {"answer of a model", "message that is caught", "error handle", "message of a round", "cache"}
"""Those that put it where no secret may go before it arrives; it is found there too."""


def _text(statements, read_, *, label, sink="", of="input.x", accepts=""):
    lines = statements.replace("IN.x", of).replace("IN.", "input.").replace(" IN ", " input ")
    expression = read_.replace("IN.x", of).replace("IN.", "input.")
    return f"""pipeline example

input {{
  x: string @{label}
  plain: string
  flag: bool
  list: list<string>
  maybe?: string @{label}
  marked_list: list<int> @{label}
}}
output {{}}

use sub = "./sub.saltern"

connection open = http {{ base_url: "https://open.example", accepts: [personal, secret] }}
connection model = openai {{ key: env("KEY"), accepts: [personal, secret] }}
connection books = postgres {{ dsn: env("DSN"), accepts: [personal, secret] }}
connection shut = http {{ base_url: "https://shut.example"{accepts} }}

{lines}
sink = http.request(shut) {{ method: "POST", url: "/", body: {sink or expression} }}
return {{}}
"""


def _found(text):
    """Return the findings about `sink`, and all others but warnings of what is unused."""
    pipeline, findings = read(text, "example.saltern", REGISTRY)
    assert pipeline is not None, (findings, text)
    files = {"sub.saltern": SUB, "own.py": OWN}
    linked = link(pipeline, "example.saltern", files, REGISTRY)
    analysis = analyze(pipeline, REGISTRY, linked.files, uses=linked.uses, called=linked.callees)
    told = [*findings, *analysis.diagnostics]
    leaks = [each for each in told if each.code.endswith("-leak")]
    assert not [each for each in told if each.severity.value == "error" and each not in leaks], (told, text)
    return [each for each in leaks if "`sink`" in each.message], [
        each for each in leaks if "`sink`" not in each.message
    ]


@pytest.mark.parametrize("label", ["personal", "secret"])
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_what_arrives_is_found_with_its_way(name, label) -> None:
    """The finding stands at the sink, names where the label comes from, and goes step by step through the construct."""
    statements, read_ = CONSTRUCTS[name]
    (leak,), others = _found(_text(statements, read_, label=label))
    assert leak.code == f"{label}-leak"
    assert leak.message.startswith("`body` of `sink` sends")
    assert leak.is_way
    assert leak.related[0].message.startswith("`input.")
    assert leak.related[0].message.endswith(f"` is {label}")
    assert len(leak.related) > (1 if statements else 0)
    (way,) = [note for note in leak.notes if note.startswith("The way: ")]
    assert way.count("→") == len(leak.related)
    assert way.endswith("→ `body` of `sink`.")
    assert bool(others) == (label == "secret" and name in SHOWN)


@pytest.mark.parametrize("label", ["personal", "secret"])
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_nothing_is_found_where_it_is_accepted_declassified_or_not_there(name, label) -> None:
    """A connection that accepts it gets it; what is declassified, or was never marked, goes anywhere."""
    statements, read_ = CONSTRUCTS[name]
    here, _ = _found(_text(statements, read_, label=label, accepts=f", accepts: [{label}]"))
    assert not here
    cleared = read_.replace("IN.", "input.")
    if not cleared.startswith("`"):
        away, _ = _found(_text(statements, read_, label=label, sink=f'declassify({cleared}, "tried")'))
        assert not away
    if "maybe" in read_ or "marked_list" in statements or "IN " in statements:
        return
    plain, others = _found(_text(statements, read_, label=label, of="input.plain"))
    assert (plain, others) == ([], [])


@pytest.mark.parametrize(
    ("statements", "read_"),
    [
        ("s = set { value: { a: IN.x, b: IN.plain } }", "s.b"),
        ("w = while s = { a: IN.x, b: '', n: 0 }, s.n < 2, at most 3 { next { a: s.a, b: s.b, n: s.n + 1 } }", "w.b"),
        ("f = foreach i in IN.list { yield { a: i, b: IN.x } }", "f.map(i, i.a)"),
        ("p = parallel { a => { yield IN.x } b => { yield 'b' } }", "p.b"),
        ("k = call sub { x: IN.x }", "k.out.y"),
        ("k = start sub { x: declassify(IN.x, 'a run of its own') }", "k"),
        ("y = try { r = http.request(open) { method: 'PUT', url: '/', body: IN.x }\n yield 'a' } catch e { yield e.code }", "y"),
        ("r = http.request(open) { method: 'PUT', url: '/', body: IN.x }", "r.status"),
        ("q = postgres.execute(books) { sql: 'insert into t values ($1)', values: [IN.x] }", "q.count"),
        ("b = if IN.x == 'a' { c = set { value: IN.plain } }", "merge(c, '')"),
        ("h = wait { until: timestamp(IN.x) }", "IN.plain"),
        ("f = foreach i in [IN.x] { yield i }", "IN.plain"),
    ],
)  # fmt: skip
def test_what_lies_beside_it_is_free(statements, read_) -> None:
    """Other fields, other arms, statuses and counts carry nothing; nor does what runs because of it."""
    assert _found(_text(statements, read_, label="secret")) == ([], [])


def test_each_source_is_named() -> None:
    """One finding for each label at a parameter: it shows one way, and names what else comes in there."""
    text = _text("", "{ a: IN.x, b: IN.marked_list }", label="personal")
    (leak,), _ = _found(text)
    assert "So does what comes from `input.x`." in leak.notes


def test_a_long_way_is_cut_in_its_middle() -> None:
    """A way through many nodes shows its first and its last steps, and says how many there are between."""
    lines = ["t0 = set { value: IN.x }", *(f"t{each} = set {{ value: t{each - 1} }}" for each in range(1, 100))]
    (leak,), _ = _found(_text("\n".join(lines), "t99", label="personal"))
    assert len(leak.related) == 41
    assert leak.related[20].message == "it goes into `value` of `t19`"
    assert leak.related[21].message == "it goes into `value` of `t80`"
    assert "→ … 62 steps … →" in leak.notes[0]


def test_loops_in_loops_cost_no_powers_of_their_rounds() -> None:
    """What comes from the outermost state through those of 30 loops is found, each going on from what it knew."""
    depth = 30
    lines = []
    for each in range(depth):
        source = f"s{each - 1}.a" if each else "IN.x"
        lines.append(f'w{each} = while s{each} = {{ a: "", b: {source}, n: 0 }}, s{each}.n < 2, at most 3 {{')
    lines.append(f't = http.request(open) {{ method: "PUT", url: "/", body: s{depth - 1}.a }}')
    lines += [f"next {{ a: s{each}.b, b: s{each}.b, n: s{each}.n + 1 }}\n}}" for each in reversed(range(depth))]
    (leak,), _ = _found(_text("\n".join(lines), "w0.a", label="personal"))
    assert leak.related[-1].message == "it goes into the next state of `w0`"


def test_a_state_that_grows_for_ever_is_followed_to_its_end() -> None:
    """Each round puts the state into a field of the next one: its labels are those of the whole, and the check ends."""
    result = compile_source(
        """pipeline grows
input { key: any @secret }
state = while s = input.key, true, at most 9, on limit continue { kept = set { value: { a: s } }  next kept }
return { size: declassify(state, "for the test") }
""",
        source_name="grows.saltern",
        targets=(),
    )
    assert "secret-leak" not in {each.code for each in result.diagnostics}
