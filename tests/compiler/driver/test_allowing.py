"""Findings that a source says are meant, in both notations, through the formatter and from one notation to the other."""

import json

import pytest

from saltern_compiler.driver import compile_source
from saltern_compiler.frontend.convert import convert
from saltern_compiler.frontend.language import LANGUAGE
from saltern_compiler.frontend.notations import DOCUMENT

HEAD = 'pipeline p\ninput { name: string }\nconnection site = http { base_url: "https://site.example" }\n'
GLUED = 'a = http.request(site) {{{beside_head}\n{before}  url: "/x/" + input.name{beside}\n}}\nreturn a.status\n'
ALLOW = "# saltern: allow glued-text because the vendor wants it so"


def checked(text, name="p.saltern"):
    return compile_source(text, source_name=name, targets=())


def outcome(text, name="p.saltern"):
    result = checked(text, name)
    return [each.code for each in result.diagnostics], [
        (each.diagnostic.code, each.because) for each in result.suppressed
    ]


def glued(*, above="", before="", beside="", beside_head=""):
    body = GLUED.format(before=before, beside=beside, beside_head=beside_head)
    return f"{HEAD}{above}{body}"


MEANT = ([], [("glued-text", "the vendor wants it so")])


@pytest.mark.parametrize(
    "place",
    [
        {"above": f"{ALLOW}\n"},
        {"above": f"# What it is for.\n{ALLOW}\n# And more.\n"},
        {"above": f"{ALLOW}\n\n# Something else.\n"},
        {"above": f"{ALLOW}\n@timeout(20s)\n"},
        {"before": f"  {ALLOW}\n"},
        {"beside": f"  {ALLOW}"},
        {"beside_head": f"  {ALLOW}"},
    ],
)
def test_a_comment_allows_what_it_stands_at(place):
    """Before a node it is about all of it, before or beside a parameter about that alone, as comments are."""
    assert outcome(glued(**place)) == MEANT
    assert outcome(glued(**place).replace("\n", "\r\n")) == MEANT
    assert outcome("\ufeff" + glued(**place)) == MEANT


def test_without_it_the_finding_is_told():
    """The same text without the comment warns."""
    assert outcome(glued()) == (["glued-text"], [])


def test_what_stands_elsewhere_is_not_allowed():
    """Neither for another node nor for another parameter, and what allows nothing there is told."""
    other = f"{ALLOW}\nb = set {{ value: 1 }}\n"
    text = glued(above=other).replace("return a.status", "return { a: a.status, b: b }")
    assert outcome(text) == (["glued-text", "unused-suppression"], [])
    text = glued(before=f'  {ALLOW}\n  method: "GET",\n')
    assert outcome(text) == (["glued-text", "unused-suppression"], [])


def test_sections_can_be_allowed_too():
    """What is found in a connection or a secret is allowed there."""
    text = (
        "pipeline p\n# saltern: allow unused-connection because the next version calls it\n"
        'connection site = http { base_url: "https://site.example" }\nreturn 1\n'
    )
    assert outcome(text) == ([], [("unused-connection", "the next version calls it")])


@pytest.mark.parametrize(
    ("comment", "code"),
    [
        ("# saltern: allow glued-text", "malformed-suppression"),
        ("# saltern: allow glued-text because", "malformed-suppression"),
        ("# saltern: allow glued-text since it is so", "malformed-suppression"),
        ("# saltern: alow glued-text because it is so", "malformed-suppression"),
        ("# saltern: allow", "malformed-suppression"),
        ("# saltern:", "malformed-suppression"),
        ("# saltern: allow glue-text because it is so", "unknown-code"),
        ("# saltern: allow cycle because it is so", "fixed-severity"),
        ("# saltern: allow unused-use because it is so", "unused-suppression"),
    ],
)
def test_what_is_no_suppression_allows_nothing(comment, code):
    """It is told at the comment, and the finding that was meant is told as before; of an error, unused ones stay quiet."""
    text = glued(above=f"{comment}\n")
    result = checked(text)
    assert sorted(each.code for each in result.diagnostics) == sorted(["glued-text", code])
    [told] = [each for each in result.diagnostics if each.code == code]
    assert text[told.origin.start : told.origin.end] == comment


def test_nothing_is_unused_where_errors_hide_it():
    """With an error in the pipeline, checks that come later have not looked."""
    text = glued(above=f"{ALLOW}\n").replace('"/x/" + input.name', "nobody.x")
    assert outcome(text) == (["unknown-name"], [])
    broken = glued(above=f"{ALLOW}\n") + "return {"
    assert outcome(broken)[0] == ["unclosed-bracket"]


def test_prose_that_mentions_it_is_prose():
    """A comment that only speaks of it, or a text in a string, is no directive."""
    text = glued(above="# As in `# saltern: allow glued-text because …`.\n")
    assert outcome(text) == (["glued-text"], [])
    assert outcome('pipeline p\nreturn "# saltern: allow"\n') == ([], [])


def test_two_are_allowed_in_two_lines():
    """Each line is one; both reasons are kept."""
    lines = f"{ALLOW}\n# saltern: allow unused-node because it is only called\n"
    text = glued(above=lines)
    assert outcome(text) == (["unused-suppression"], MEANT[1])


# both notations


def document(allow=(), *, notes=()):
    nodes = [
        {"id": "a", "type": "http.request", "data": {
            "connection": "site", "params": {"url": {"$expr": '"/x/" + input.name'}}, **({"allow": list(allow)} if allow else {}),
        }},
        {"id": "return", "type": "return", "data": {"params": {"value": {"$expr": "a.status"}}}},
        *notes,
    ]  # fmt: skip
    return json.dumps(
        {
            "schemaVersion": 1,
            "name": "p",
            "inputs": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            "connections": {"site": {"connector": "http", "settings": {"base_url": "https://site.example"}}},
            "nodes": nodes,
            "edges": [],
        }
    )


REASON = {"code": "glued-text", "because": "the vendor wants it so"}


@pytest.mark.parametrize("allow", [REASON, {**REASON, "part": "url"}])
def test_a_node_of_a_document_allows(allow):
    """`data.allow` is about the node, with `part` about one of its parameters."""
    assert outcome(document(), "p.json") == (["glued-text"], [])
    assert outcome(document([allow]), "p.json") == MEANT
    assert outcome(document([{**allow, "part": "method"}]), "p.json") == (["glued-text", "unused-suppression"], [])


@pytest.mark.parametrize(
    ("allow", "code"),
    [
        ({"code": "glued-text"}, "missing-key"),
        ({"code": "glued-text", "because": ""}, "ill-typed-key"),
        ({"code": "glued-text", "because": "x", "why": "y"}, "unknown-key"),
        ("glued-text", "ill-typed-key"),
        ({"code": "glue-text", "because": "x"}, "unknown-code"),
        ({"code": "not a code", "because": "x"}, "malformed-suppression"),
        ({"code": "cycle", "because": "x"}, "fixed-severity"),
        ({"code": "glued-text", "because": "  "}, "malformed-suppression"),
    ],
)
def test_what_a_document_allows_wrongly_is_told(allow, code):
    """At its place in the document; the finding is told as before."""
    found = checked(document([allow]), "p.json").diagnostics
    assert sorted(each.code for each in found) == sorted(["glued-text", code])
    assert [each.origin.pointer.startswith("/nodes/0/data/allow/0") for each in found if each.code == code] == [True]


def test_a_note_beside_a_node_allows_too():
    """A note is what a comment is."""
    text = "saltern: allow glued-text because the vendor wants it so"
    note = {"id": "n", "type": "note", "data": {"text": text, "attached": "a"}, "position": {"x": 0, "y": 0}}
    assert outcome(document(notes=[note]), "p.json") == MEANT


@pytest.mark.parametrize("data", [None, "saltern: allow", ["saltern: allow"], {"text": 1}, {"allow": "saltern: allow"}])
@pytest.mark.parametrize("kind", ["group", "note"])
def test_what_is_only_drawn_may_say_anything(kind, data):
    """The data of groups and notes is the editor's own."""
    drawn = {"id": "n", "type": kind, "data": data, "position": {"x": 0, "y": 0}}
    assert outcome(document([REASON], notes=[drawn]), "p.json") == MEANT


def test_what_an_edge_brings_is_its_target():
    """A finding at an edge is one of the parameter that it leads to."""
    drawing = json.loads(document([{"code": "unused-node", "because": "x"}]))
    drawing["edges"] = [
        {"id": "e", "source": "input", "sourceHandle": "out.name", "target": "a", "targetHandle": "url"}
    ]
    drawing["nodes"][0]["data"]["params"] = {}
    assert outcome(json.dumps(drawing), "p.json") == (["unused-suppression"], [])


@pytest.mark.parametrize(
    "place",
    [
        {"above": f"{ALLOW}\n"},
        {"before": f"  {ALLOW}\n"},
        {"above": f"{ALLOW}\n# saltern: allow unused-node because I say so\n"},
        {"above": f"# Why.\n{ALLOW}\n"},
    ],
)
def test_suppressions_survive_conversion(place):
    """From text to drawing they stand in the node (or in a note, with what else a comment says), and back they read the same."""
    text = LANGUAGE.format(glued(**place))[0]
    drawn, _ = convert(text, "p.saltern", DOCUMENT)
    assert outcome(drawn.text, "p.json") == outcome(text)
    back, _ = convert(drawn.text, "p.json", LANGUAGE)
    assert back.text.split() == text.split()
    node = next(node for node in json.loads(drawn.text)["nodes"] if node["id"] == "a")
    assert ("allow" in node["data"]) == ("Why" not in text)


def test_a_drawing_survives_conversion():
    """From drawing to text and back, `data.allow` is the same, parts and order too."""
    allow = [REASON, {**REASON, "part": "url"}, {"code": "unused-node", "because": "x", "part": "url"}]
    text, _ = convert(document(allow), "p.json", LANGUAGE)
    assert text.text.count("# saltern: allow") == 3
    again, _ = convert(text.text, "p.saltern", DOCUMENT, layout=text.layout)
    assert json.loads(again.text)["nodes"][0]["data"]["allow"] == allow


@pytest.mark.parametrize("place", [{"above": f"{ALLOW}\n"}, {"before": f"{ALLOW}\n"}, {"beside": f" {ALLOW}"}])
def test_suppressions_survive_the_formatter(place):
    """The one look moves no comment away from what it is about."""
    formatted, _ = LANGUAGE.format(glued(**place))
    assert ALLOW in formatted
    assert outcome(formatted) == MEANT


def test_a_suppression_is_no_part_of_the_meaning():
    """The plan is the same with and without."""
    plans = [
        compile_source(text, source_name=name, targets=()).plan.digest
        for text, name in [
            (glued(), "p.saltern"),
            (glued(above=f"{ALLOW}\n"), "p.saltern"),
            (document([REASON]), "p.json"),
        ]
    ]
    assert len(set(plans)) == 1
