"""A session finds in an edited source what a check of the whole finds, for less work."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.shapes import SHAPES
from saltern_compiler import compile_source
from saltern_compiler.driver.session import Session
from tests.support.effort import tries

ROOT = Path(__file__).parents[3]
SOURCES = [path.read_text("utf-8") for path in sorted(ROOT.glob("examples/*/*.saltern"))]
TEXT = """\
# saltern: allow unused-node because it is drawn
pipeline orders

input { id: string, lines: list<{ price: int, name: string? }> }
output { total: int, code: int? }

connection shop = http { base_url: "https://shop.example", token: env("TOKEN") }
on webhook "/orders" { signature: standard, secret: env("HOOK") }

@label("Reads 😀 `them`")
order = http.request(shop) { url: `/orders/{{ input.id }}`, method: "GET" }
ping = http.request(shop) { url: "/ping" } on error failed {
  told = set { value: failed.message }
}
route = if order.status == 200 {
  good = set { value: input.lines.map(line, line.price).sum() }
} else {
  bad = set { value: "no" }
}
each = foreach line in input.lines { # every one
  named = set { value: `{{ line.name }}
    and more` }
  yield line.price
}
last = set { value: merge(good, size(each)) }
return { total: last, code: order.?status }
"""
SNIPPETS = st.sampled_from(
    [
        "", " ", "\n", "\r\n", "{", "}", "(", ")", '"', "'", "`", "{{", "}}", "#", "\\", "😀", "é", "\u2028", "\x00", ",", ":", "=", "@", ".", "?", "0",
        "\nelse {\n}\n", "\non error e { x = set { value: e } }\n", "\non error\n", "\ndo x { }\n", "\nwith { a: b }\n", "\nin each\n", "\nafter order\n",
        "\n@disabled\n", "\nx = set { value: 1 }\n", "\nx = set { value: order.status + 'a' }\n", "\norder = set { value: 2 }\n", "\nreturn 3\n",
        "\nif true { }\n", "\nsecret s = env('TOKEN')\n", "\ny = http.request(shop) { url: env('OTHER') }\n", "\npipeline other\n", "\ninput { id: int }\n",
        "\nz =\nset { value: nothing }\n", '\nuse score = "score.saltern"\n', "order", "input", "status", "value", "set", "\n# saltern: allow dead because so\n",
    ]
)  # fmt: skip
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0, 0, 0, 1, 2, 5, 30, 200]), SNIPPETS), min_size=1, max_size=6
)


def whole(text, name="a.saltern"):
    """Check a whole text."""
    return compile_source(text, source_name=name, targets=())


def same(session):
    """See that a session says what a check of the whole says."""
    expected = whole(session.text, session.name)
    assert session.diagnostics == expected.diagnostics
    assert session.result.suppressed == expected.suppressed


@given(st.sampled_from([TEXT, *SOURCES]), EDITS)
@settings(max_examples=tries(60, 1500), deadline=None)
def test_after_any_edits_a_session_says_what_a_check_says(text, edits):
    """Whatever is put in or taken out, in the middle of a text or a comment too: codes, places, notes and fixes are the same."""
    session = Session(text, source_name="a.saltern")
    same(session)
    for where, length, snippet in edits:
        at = int(where * len(session.text))
        session.edit((at, at + length), snippet)
        same(session)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), min_size=1, max_size=5))
@settings(max_examples=tries(30, 500), deadline=None)
def test_statements_that_move_or_come_twice(moves):
    """Lines that are cut out and put in elsewhere, or copied: what stays whole is not read again, and findings are where it stands now."""
    session = Session(TEXT, source_name="a.saltern")
    for take, put, copy in moves:
        lines = session.text.splitlines(keepends=True)
        line = lines[take % len(lines)]
        if not copy:
            at = sum(map(len, lines[: take % len(lines)]))
            session.edit((at, at + len(line)), "")
        lines = session.text.splitlines(keepends=True)
        at = sum(map(len, lines[: put % (len(lines) + 1)]))
        session.edit((at, at), line)
        same(session)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks(end, start):
    """Whatever ends lines, and whatever mark stands at the beginning."""
    session = Session(start + TEXT.replace("\n", end), source_name="a.saltern")
    same(session)
    at = session.text.index("input.id")
    session.edit((at, at + 8), "input.is")
    same(session)
    assert session.statements_read == 1


def test_places_of_the_protocol():
    """Lines end with any line end, and characters count in UTF-16 code units: one outside of the BMP is two."""
    session = Session("pipeline a\r\n# 😀x\nb = set { value: 1 }\n", source_name="a.saltern")
    session.edit_lsp({"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 5}}, "y")
    assert session.text == "pipeline a\r\n# 😀y\nb = set { value: 1 }\n"
    session.edit_lsp({"start": {"line": 2, "character": 99}, "end": {"line": 3, "character": 0}}, " # z\n")
    assert session.text == "pipeline a\r\n# 😀y\nb = set { value: 1 } # z\n"
    session.edit_lsp({"start": {"line": 9, "character": 0}, "end": {"line": 9, "character": 7}}, "c")
    assert session.text.endswith("# z\nc")
    same(session)


def test_an_edit_costs_what_it_touches():
    """Of a thousand nodes one is read and typed again; of what reads it, what sees another type."""
    session = Session(SHAPES["chain"](1_000), source_name="a.saltern")
    assert not session.diagnostics
    assert (session.statements_read, session.nodes_typed) == (1_004, 1_000)
    at = session.text.index("step_500 =")
    session.edit((at, at), "# a remark\n")
    assert not session.diagnostics
    assert (session.statements_read, session.nodes_typed) == (1, 1)  # a remark belongs to the statement before it
    at = session.text.index("{{ step_700.status", session.text.index("step_701 ="))
    session.edit((at + 12, at + 18), "state")
    assert [finding.code for finding in session.diagnostics] == ["unknown-field"]
    assert (session.statements_read, session.nodes_typed) == (
        1,
        2,
    )  # what is wrong gives any value, so its reader counts too
    same(session)
    session.edit((at + 12, at + 17), "status")
    assert not session.diagnostics
    assert (session.statements_read, session.nodes_typed) == (1, 2)


@pytest.mark.parametrize("shape", ["chain", "wide", "layered"])
def test_checks_look_into_new_nodes_alone(shape):
    """Checks of nodes by themselves pass over those in which they found nothing, and go back to those in which they did."""
    session = Session(SHAPES[shape](1_000), source_name="a.saltern")
    assert not session.diagnostics
    checks, rest = divmod(session.nodes_looked_into, 1_000)
    assert checks
    assert not rest
    at = session.text.index("http.request {", len(session.text) // 2) + len("http.request {")
    session.edit((at, at), " ")
    assert not session.diagnostics
    assert 0 < session.nodes_looked_into <= checks + 1  # and what the pipeline gives, whose type is written elsewhere
    session.edit((at, at), " accept: 'sk-proj-" + "aB3dE5gH7jK9mN1p" * 3 + "',")
    assert session.diagnostics
    same(session)
    at = session.text.index("step_10 = ")
    session.edit((at, at), " ")
    assert session.diagnostics
    same(session)


def test_what_is_found_in_a_node_for_what_stands_around_it():
    """A variable of a macro hides a node that comes later; a literal becomes what the output says when that changes."""
    text = "pipeline a\noutput { n: int }\ns = set { value: [1].map(x, x + 1) }\nreturn { n: 1 }\n"
    session = Session(text, source_name="a.saltern")
    same(session)
    at = session.text.index("s = set")
    session.edit((at, at), "x = set { value: 1 }\n")
    same(session)
    assert "shadowed-name" in [finding.code for finding in session.diagnostics]
    session.edit((at, at + len("x = set { value: 1 }\n")), "")
    same(session)
    assert "shadowed-name" not in [finding.code for finding in session.diagnostics]
    at = session.text.index("int }")
    session.edit((at, at + 3), "double")
    given = session.result.pipeline.body.node("return").param("value").value["n"]
    assert isinstance(given, float)
    session.edit((at, at + 6), "string")
    same(session)
    assert session.diagnostics


def test_what_reads_a_changed_type_is_typed_again():
    """A type that changes is followed as far as it goes, and no further."""
    lines = "".join(f"s{n} = set {{ value: s{n - 1} }}\n" for n in range(1, 6))
    rest = "".join(f"t{n} = set {{ value: {n} }}\n" for n in range(50))
    session = Session(f"pipeline a\ns0 = set {{ value: 1 }}\n{lines}{rest}return s5\n", source_name="a.saltern")
    assert session.nodes_typed == 0
    same(session)
    at = session.text.index("value: 1") + 7
    session.edit((at, at + 1), "'x'")
    same(session)
    assert (session.statements_read, session.nodes_typed) == (1, 7)


def test_a_broken_text_forgets_nothing():
    """While a bracket is open all is read as a whole; once it is closed, only what was touched."""
    session = Session(SHAPES["wide"](50), source_name="a.saltern")
    assert not session.diagnostics
    at = session.text.index("step_20 = http.request {") + len("step_20 = http.request ")
    session.edit((at, at + 1), "")
    same(session)
    assert session.statements_read == 0
    session.edit((at, at), "{ ")
    same(session)
    assert session.statements_read == 1


def test_documents_are_checked_whole():
    """What no statements are written in is read whole, and says the same."""
    text = next(ROOT.glob("examples/*/daily_digest.json")).read_text("utf-8")
    session = Session(text, source_name="a.json")
    same(session)
    session.edit((len(text) // 2, len(text) // 2 + 9), "")
    same(session)
    assert session.statements_read == 0
