"""A comparison as a terminal, a pull request and a program see it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from saltern_compiler.diff import Change, Comparison, Grade, Hurdle, Runs
from saltern_compiler.diff.document import diff_schema, render_json, text
from saltern_compiler.diff.markdown import code, prose, render_markdown
from saltern_compiler.diff.terminal import render_terminal
from tests.compiler.diff.changes import CASES, Case
from tests.support.compared import compared

ROOT = Path(__file__).parents[3]
HOSTILE = [
    "</code></details><script>alert(1)</script>",
    "a | b |\n| c | d |",
    "`code` **bold** _it_ ~~no~~ [a](http://evil.example) ![b](x) <!-- -->",
    "@somebody #12 www.evil.example https://evil.example :tada: $x$",
    "\u202e\u0007&amp;",
]


def _pair(name: str) -> Comparison:
    case = next(case for case in CASES if case.name == name)
    (old, files), (new, new_files) = case.old, case.new
    return compared(old, new, files, new_files)


def _hostile(said: str) -> Comparison:
    changes = (
        Change("changed", "node", said, said, said, said, Grade.BREAKING, f"`{said.replace('`', '')}` is {said}"),
        Change("added", "input", said, "", None, said, within=said),
    )
    return Comparison(
        said, said, changes, Runs((Hurdle(said, after=said, until=said),), {said: said}, (said,), (said,))
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag + "".join(name for name, _ in attrs))


@pytest.mark.parametrize("said", HOSTILE)
def test_what_a_pipeline_says_is_text_in_markdown(said: str) -> None:
    """No text of a pipeline becomes markup, a cell, a link, a mention or an issue's number."""
    written = render_markdown(_hostile(said), said)
    tags = _Tags()
    tags.feed(written)
    assert set(tags.tags) <= {"code", "br", "details", "summary"}
    assert tags.tags.count("details") == written.count("\n</details>")
    for line in written.splitlines():
        if line.startswith(("| +", "| ~")):
            assert line.count("|") == 5, line
    for mark in ("](", "**bold", "@some", " #12", "://", "www.", "$x", ":tada", "`"):
        assert mark not in written, mark


def test_mentions_outside_of_code_are_broken() -> None:
    """GitHub looks for names once references are read: something invisible stands behind the sign."""
    assert prose("for @somebody in #12") == "for &#64;&#8203;somebody in &#35;&#8203;12"
    assert code("@a") == "<code>&#64;a</code>"


@pytest.mark.parametrize("said", HOSTILE)
def test_a_terminal_is_not_driven(said: str) -> None:
    """No control character and no change of direction reaches a terminal."""
    shown = render_terminal(_hostile(said), said, color=True)
    assert not set(shown) & {"\u202e", "\u0007"}
    plain = render_terminal(_hostile(said), said)
    assert "\x1b" not in plain


def test_a_long_comparison_fits_into_a_comment() -> None:
    """Rows are left out before a comment is too long for GitHub, and it says how many."""
    changes = tuple(Change("changed", "node", f"n{n}", "prompt", "|" * 400, "`" * 400) for n in range(500))
    hurdles = tuple(Hurdle("`" + "|" * 400 + "`", f"n{n}", f"m{n}") for n in range(500))
    written = render_markdown(Comparison("a", "a", changes, Runs(hurdles)), "a.saltern")
    assert len(written) < 60_000
    assert " more: <code>saltern diff</code>" in written


def test_secrets_are_covered() -> None:
    """What looks like a secret is shown nowhere that people read."""
    token = "xoxb-" + "1234567890-" + "abcdefghijklmnop"
    found = Comparison("a", "a", (Change("changed", "node", "n", "text", f'"{token}"', '"b"'),), Runs())
    assert token not in render_terminal(found, "a")
    assert token not in render_markdown(found, "a")


def test_nothing() -> None:
    """Where nothing changed, one line says so."""
    assert render_terminal(_pair("comment"), "a.saltern") == "a.saltern: the same meaning\n"
    assert "The same meaning." in render_markdown(_pair("comment"), "a.saltern")


@pytest.mark.parametrize("case", CASES, ids=[f"{case.base}: {case.name}" for case in CASES])
def test_json_is_of_its_schema(case: Case) -> None:
    """Every comparison is of the schema that stands in the repository."""
    (old, files), (new, new_files) = case.old, case.new
    document = json.loads(render_json(compared(old, new, files, new_files), "a", "b"))
    jsonschema.Draft202012Validator(diff_schema()).validate(document)
    assert (document["callers"], document["runs"]["verdict"]) == (case.callers, case.runs)


def test_the_schema_is_the_one_that_is_kept() -> None:
    """`make schemas` has nothing to write."""
    assert (ROOT / "schemas/diff.v1.json").read_text("utf-8") == text()
    jsonschema.Draft202012Validator.check_schema(diff_schema())


def test_where_runs_may_go_on() -> None:
    """A terminal says from where, until when and why."""
    shown = render_terminal(_pair("another type of value"), "b.saltern")
    assert "runs in flight: partly" in shown
    assert "not once `off` has ended, until `return` has: `return` reads what `off` gave" in shown
