"""What holds of any text at all, for each part of the compiler's front: findings, never an exception, each with a place inside of the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

from saltern_compiler.diagnostics.fixes import apply_fixes
from saltern_compiler.diagnostics.model import Diagnostic, Origin, has_errors
from saltern_compiler.diagnostics.places import Source
from saltern_compiler.diagnostics.render import render_json, render_terminal
from saltern_compiler.diff import Side, compare
from saltern_compiler.diff.document import render_json as diff_json
from saltern_compiler.diff.markdown import render_markdown
from saltern_compiler.diff.terminal import render_terminal as diff_terminal
from saltern_compiler.driver import Result, compile_source
from saltern_compiler.driver.link import link
from saltern_compiler.driver.upgrade import Wanted
from saltern_compiler.driver.upgrade import upgrade as upgraded
from saltern_compiler.expr.parse import parse
from saltern_compiler.expr.show import show as show_expression
from saltern_compiler.expr.typing import Env, check
from saltern_compiler.frontend import read
from saltern_compiler.frontend.convert import ConvertError, convert
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.frontend.notations import DOCUMENT, LANGUAGE, notation_like
from saltern_compiler.ir.canonical import canonical
from saltern_compiler.ir.verify import verify
from saltern_compiler.passes import analyze
from saltern_compiler.registry import Registry
from saltern_runtime.expr import ExprError
from saltern_runtime.spec import ANY, BOOL, DOUBLE, INT, STRING, TIMESTAMP, ListType, MapType, obj, optional
from saltern_targets.python.expr import print_expression
from tests.support.demo import TELLS
from tests.support.expressions import evaluate
from tests.support.versions import GREETINGS

REGISTRY: Final = Registry.load().extended([*GREETINGS, *TELLS])
BETWEEN: Final = "\n=====\n"
"""What stands between the two texts of a pair."""
INPUT: Final = obj(
    {
        "n": INT,
        "x": DOUBLE,
        "s": STRING,
        "b": BOOL,
        "at": TIMESTAMP,
        "maybe": optional(STRING),
        "list": ListType(INT),
        "lines": ListType(obj({"sku": STRING, "count": INT})),
        "map": MapType(STRING),
        "any": ANY,
    }
)
VALUE: Final = {
    "n": 7, "x": 0.5, "s": "aé😀\n", "b": True, "at": "2026-01-31T23:59:59Z", "maybe": None, "list": [3, -1, 2],
    "lines": [{"sku": "a", "count": 2}, {"sku": "b", "count": 0}], "map": {"k": "v", "": "w"}, "any": [1, {"a": None}],
}  # fmt: skip


def language(text: str) -> None:
    """A text of the language: findings, one look, the same meaning as a document."""
    result = checked(text, "a.saltern")
    assert LANGUAGE.format is not None
    formatted, findings = LANGUAGE.format(text)
    inside(findings, text, "a.saltern")
    if formatted is not None:
        assert LANGUAGE.format(formatted)[0] == formatted, "formatting twice is formatting once"
        before, after = read(text, "a.saltern", REGISTRY), read(formatted, "a.saltern", REGISTRY)
        assert {each.code for each in after[1]} <= {each.code for each in before[1]}, (
            "formatting brings nothing to light"
        )
        if before[0] is not None and not has_errors(before[1]):
            assert after[0] is not None
            assert canonical(before[0]) == canonical(after[0])
    _converted(text, "a.saltern", result)


def document(text: str) -> None:
    """An editor's document: findings, and the same meaning as a text of the language."""
    _converted(text, "a.json", checked(text, "a.json"))


def yaml(text: str) -> None:
    """A document in YAML."""
    checked(text, "a.yaml")


def expression(text: str) -> None:
    """An expression is parsed, typed, printed again as itself and as Python, which gives a value or says why it has none."""
    tree, findings = parse(text, Origin(None, 0, len(text)))
    inside(findings, text, "a.saltern")
    if tree is None or has_errors(findings):
        assert findings, "what cannot be read is told why"
        return
    again, found = parse(show_expression(tree), Origin(None, 0, 0))
    assert again is not None, found
    assert show_expression(again) == show_expression(tree)
    typed, problems = check(tree, Env({"input": INPUT}, frozenset()))
    inside([each.diagnostic(Origin(None, 0, len(text))) for each in problems], text, "a.saltern")
    if problems:
        return
    code = print_expression(typed, {"input": "input"}, None, classes={})
    try:
        evaluate(code, {"input": VALUE})
    except ExprError:
        return


def diff(text: str) -> None:
    """Two texts: each is no change of itself, and any two are compared and shown, whichever comes first."""
    old, _, new = text.partition(BETWEEN)
    ours, theirs = side_of(old), side_of(new)
    for side in (ours, theirs):
        if side is not None:
            assert compare(side, side).changes == ()
    if ours is None or theirs is None:
        return
    for one, other in ((ours, theirs), (theirs, ours)):
        found = compare(one, other)
        json.loads(diff_json(found, "old", "new"))
        render_markdown(found, "new")
        diff_terminal(found, "new", color=True)
        same = canonical(one.pipeline) == canonical(other.pipeline)
        assert not (same and found.changes), "what means the same does not differ"


def upgrade(text: str) -> None:
    """A text is brought to the newest versions: once is as good as twice, step by step as at once, and it can still be read."""
    name = f"a{notation_like(text).suffixes[0]}"
    made = upgraded(text, name, registry=REGISTRY)
    inside(made.findings, made.text, name)
    assert upgraded(made.text, name, registry=REGISTRY).text == made.text
    two = upgraded(text, name, wanted=Wanted(nodes={"demo.tell": 2}), registry=REGISTRY)
    assert upgraded(two.text, name, registry=REGISTRY).text == made.text
    before, after = read(text, name, REGISTRY), read(made.text, name, REGISTRY)
    assert (after[0] is None) <= (before[0] is None)
    assert not has_errors(after[1]) or has_errors(before[1])


TARGETS: Final[Mapping[str, Callable[[str], None]]] = {
    "language": language, "document": document, "yaml": yaml, "expression": expression, "diff": diff, "upgrade": upgrade,
}  # fmt: skip
"""What a text is given to, by the name that `make fuzz` knows."""


def checked(text: str, name: str) -> Result:
    """Compile a text, as far as it goes, and look at everything that is said of it."""
    targets = ("python",) if crc32(text.encode("utf-8", "replace")) % 4 == 0 else ()
    result = compile_source(text, source_name=name, targets=targets, registry=REGISTRY)
    inside(result.diagnostics, text, name)
    assert result.pipeline is not None or result.diagnostics, "what cannot be read is told why"
    assert result.has_errors or not targets or result.artifacts
    places = Locator(text, name)
    render_terminal(result.diagnostics, text, name, color=True, locator=places)
    json.loads(render_json(result.diagnostics, text, name, locator=places))
    result.to_lsp("file:///a")
    result.hovers()
    fixed = apply_fixes(text, result.diagnostics, places)
    if fixed.text != text:
        read(fixed.text, name, REGISTRY)
    return result


def inside(findings: tuple[Diagnostic, ...] | list[Diagnostic], text: str, name: str) -> None:
    """Each place that findings name lies inside of the text."""
    source = Source(text, Locator(text, name))
    for each in findings:
        origins = [each.origin, *(one.origin for one in each.related)]
        origins += [edit.origin for fix in each.fixes for edit in fix.edits]
        for origin in origins:
            span = source.span(origin)
            if span is not None:
                assert 0 <= span.start <= span.end <= len(text), each
            assert origin.start is None or origin.start >= 0, each


def side_of(text: str) -> Side | None:
    """Check a text that may have mistakes; None where it cannot be compared, as `saltern diff` has it."""
    name = f"a{notation_like(text).suffixes[0]}"
    pipeline, findings = read(text, name, REGISTRY)
    if pipeline is None or has_errors(findings):
        return None
    linked = link(pipeline, name, {}, REGISTRY)
    side = Side(analyze(pipeline, REGISTRY, linked.files, uses=linked.uses), linked.callees)
    return None if side.analyzed.has_errors else side


def _converted(text: str, name: str, result: Result) -> None:
    """What is read without a mistake is the same in the other notation, and the same again in its own."""
    pipeline, findings = read(text, name, REGISTRY)
    if pipeline is None or has_errors(findings):
        return
    verify(pipeline)
    there, back = (DOCUMENT, LANGUAGE) if name.endswith(".saltern") else (LANGUAGE, DOCUMENT)
    try:
        made, found = convert(text, name, there, registry=REGISTRY)
        assert made is not None, found
        again, found = convert(made.text, f"b{there.suffixes[0]}", back, layout=made.layout, registry=REGISTRY)
        assert again is not None, found
        twice, found = convert(again.text, name, there, layout=again.layout, registry=REGISTRY)
        assert twice is not None, found
        home, found = convert(twice.text, f"b{there.suffixes[0]}", back, layout=twice.layout, registry=REGISTRY)
    except ConvertError:
        assert result.has_errors, "what has no mistake can be said in either notation"
        return
    assert home is not None, found
    assert home.text == again.text, "a second trip changes nothing"
    same, _ = read(home.text, name, REGISTRY)
    assert same is not None
    assert canonical(same) == canonical(pipeline)
