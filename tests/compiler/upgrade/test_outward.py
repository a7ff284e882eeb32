"""Steps that rename what others see of a node: fields of its result, and handles. Texts in pairs, in every notation."""

from __future__ import annotations

import json

import pytest

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.driver import compile_source
from saltern_compiler.driver.upgrade import upgrade
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.registry import PluginError, Registry
from saltern_runtime.spec import (
    INT,
    STRING,
    Drop,
    Field,
    NodeType,
    ObjectType,
    Param,
    Rename,
    RenameField,
    RenameHandle,
    Step,
    obj,
)

INNER = ObjectType((Field("words", STRING),))


def ask(version, result, handles, *steps, deprecated="", params=("text",)):
    return NodeType(
        "test.ask",
        "Asks.",
        obj(result),
        version,
        params=tuple(Param(name, STRING, required=False) for name in params),
        handles=handles,
        steps=steps,
        deprecated=deprecated,
    )


def changes(_):
    return [
        RenameField("said", "words"),
        RenameField("count", "said"),
        RenameHandle("case.loud", "case.shouted"),
    ]


ONE = ask(1, {"said": STRING, "count": INT, "inner": INNER}, ("case.loud", "else"), deprecated="Old.")
STEP = Step(1, "`said` is `words`, `count` is `said`; case `loud` is `shouted`.", changes)
TWO = ask(2, {"words": STRING, "said": INT, "inner": INNER}, ("case.shouted", "else"), STEP)
KNOWN = Registry.load().extended([ONE, TWO])

LANGUAGE = (
    """pipeline p
input { lines: list<{ said: string }> }

# hello.said stays in a comment
hello = test.ask{v} { text: "hello.said" }  # loudly
b = set when hello.case.{loud} { value: hello . {said}  + " hello.said" }
c = template { text: `{{ hello.{said} }}, {{ hello.?{said}.orValue("x") }} and said {{ hello.inner.words }}` }
d = set { value: input.lines.map(hello, hello.said) }  # another hello
e = foreach line in input.lines {
  yield line.said + hello.{said} + string(hello.{count})
}
f = set { value: has(hello.{said}) ? { said: hello.{said} } : null }
other = test.ask{v} when any(hello.case.{loud}, hello.else) { text: hello.{said} }
return { b: merge(b, ""), c: c, d: d, e: e, f: f, g: merge(other.{said}, "") }
""",
    {"v": "", "said": "said", "count": "count", "loud": "loud"},
    {"v": "@2", "said": "words", "count": "said", "loud": "shouted"},
)
YAML = (
    """# a document
schemaVersion: 1
name: p
nodes:
  - id: hello
    type: test.ask{v}
    data: { params: { text: hello.said } }
  - id: b
    type: set
    data:
      params:
        value: { $expr: 'hello.{said} + "hello.said"' } # why
  - { id: c, type: template, data: { params: { text: { $template: "é {{ hello.{said} }} \\u00e9 {{ hello.{said} }}" } } } }
  - { id: d, type: set }
  - { id: return, type: return, data: { params: { value: { $expr: "{'b': merge(b, ''), 'c': c, 'd': d}" } } } }
edges:
  - { id: e1, source: hello, sourceHandle: case.{loud}, target: b, data: { kind: control } }
  - { id: e2, source: hello, sourceHandle: out.{said}, target: d, targetHandle: value }
""",
    {"v": "", "said": "said", "loud": "loud"},
    {"v": "\n    typeVersion: 2", "said": "words", "loud": "shouted"},
)


def filled(text, parts):
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text


def as_json(text):
    import yaml

    return json.dumps(yaml.safe_load(text), indent=1)


PAIRS = {
    "a.saltern": tuple(filled(LANGUAGE[0], each) for each in LANGUAGE[1:]),
    "a.yaml": tuple(filled(YAML[0], each) for each in YAML[1:]),
    "a.json": tuple(as_json(filled(YAML[0], each)) for each in YAML[1:]),
}
NAMED = pytest.mark.parametrize("name", PAIRS)


@NAMED
def test_whoever_reads_it_is_led_to_the_new_names(name):
    """In expressions, templates, edges and handles, and nowhere else; to the byte, and a second time nothing changes."""
    before, after = PAIRS[name]
    made = upgrade(before, name, registry=KNOWN)
    assert (made.text, made.findings) == (after, ())
    again = upgrade(after, name, registry=KNOWN)
    assert (again.text, again.steps) == (after, ())


@NAMED
def test_both_texts_check_clean(name):
    """The old one but for its deprecated version."""
    for text, codes in zip(PAIRS[name], ({"deprecated-version"}, set()), strict=True):
        found = compile_source(text, source_name=name, targets=(), registry=KNOWN).diagnostics
        assert {each.code for each in found} - {"unused-node", "shadowed-name"} == codes, found


@NAMED
def test_the_fix_of_a_deprecated_version_does_the_same(name):
    """`saltern check --fix` leads readers as well."""
    before, after = PAIRS[name]
    while True:
        result = compile_source(before, source_name=name, targets=(), registry=KNOWN)
        wanted = [each for each in result.diagnostics if each.code == "deprecated-version" and each.fixes]
        if not wanted:
            break
        before = apply_fixes(before, wanted[:1], Locator(before, name)).text
    assert before == after


@pytest.mark.parametrize(
    "reads",
    ["set { value: a }", "set { value: merge(a, null) }", 'set { value: a["said"] }', "template { text: `{{ a }}` }"],
)
def test_whoever_reads_all_of_it_is_for_a_person(reads):
    """The field may be read later, under whatever name: nothing changes, and it is said who does."""
    text = f"pipeline p\na = test.ask {{}}\nb = {reads}\nreturn a.said + string(b)\n"
    made = upgrade(text, "a.saltern", registry=KNOWN)
    assert (made.text, [each.code for each in made.findings]) == (text, ["step-by-hand"])
    assert made.findings[0].notes[0] == (
        "`b` reads all of `a`, of which `said` is `words` now, `count` is `said` now: read fields by their names."
    )


def test_handles_alone_leave_those_alone_who_read_all():
    """A step that renames handles alone does not ask about values."""
    known = Registry.load().extended(
        [
            ask(1, {}, ("loud",)),
            ask(2, {}, ("shouted",), Step(1, "One.", lambda _: [RenameHandle("loud", "shouted")])),
        ]
    )
    made = upgrade(
        "pipeline p\na = test.ask {}\nb = set when a.loud { value: a }\nreturn b\n", "a.saltern", registry=known
    )
    assert "@2" in made.text
    assert "when a.shouted { value: a }" in made.text


def test_parameters_and_fields_in_one_step():
    """A parameter that reads another node's renamed field is renamed, or dropped, in the same step."""
    both = [Rename("text", "message"), RenameField("said", "words"), Drop("tone")]
    old = ask(1, {"said": STRING}, (), params=("text", "tone"))
    new = ask(2, {"words": STRING}, (), Step(1, "Both.", lambda _: both), params=("message",))
    text = 'pipeline p\na = test.ask { text: "x", tone: "y" }\nb = test.ask { text: a.said, tone: a.said }\nreturn b.said\n'
    made = upgrade(text, "a.saltern", registry=Registry.load().extended([old, new]))
    assert made.text == (
        'pipeline p\na = test.ask@2 { message: "x" }\nb = test.ask@2 { message: a.words }\nreturn b.words\n'
    )


def test_a_handle_in_other_words():
    """A case that is written in quotes is not found by its name: a person is told of it."""
    text = 'pipeline p\na = test.ask {}\nb = set when a.case."loud" { value: 1 }\nreturn b\n'
    made = upgrade(text, "a.saltern", registry=KNOWN)
    assert (made.text, made.findings[0].notes[0]) == (
        text,
        "`b` names `case.loud` of `a` in other words: it is `case.shouted` now.",
    )


@pytest.mark.parametrize(
    "wrong",
    [[RenameField("said", "a b")], [RenameField("said", "a"), RenameField("said", "b")], [RenameHandle("x", "")]],
)
def test_a_step_that_cannot_be_taken(wrong):
    """A new name that is none, or two for one: a mistake of whoever offers the step."""
    known = Registry.load().extended([ask(1, {}, ()), ask(2, {}, (), Step(1, "One.", lambda _: wrong))])
    with pytest.raises(PluginError, match=r"test.ask@2', but in its step from version 1 "):
        upgrade("pipeline p\na = test.ask {}\n", "a.saltern", registry=known)
