"""`saltern check --format github`: workflow commands as the runner of GitHub Actions parses them."""

import re

import pytest

from saltern_compiler.diagnostics.checked import Checked
from saltern_compiler.diagnostics.github import render_github
from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.driver import compile_source


def parse(line):
    """Read a command as the runner does (actions/runner, ActionCommand.TryParseV2): name, properties, message."""
    match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
    assert match is not None, line
    pairs = [each.split("=", 1) for each in match[2].split(",") if each]
    properties = {name: _plain(_plain(value, "%3A", ":"), "%2C", ",") for name, value in pairs}
    return match[1], {name: _data(value) for name, value in properties.items()}, _data(match[3])


def _plain(text, escape, char):
    return text.replace(escape, char)


def _data(text):
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def annotations(text, diagnostics, name="p.saltern", suppressed=()):
    return [parse(line) for line in render_github([Checked(name, text, diagnostics, suppressed)]).splitlines()]


def test_a_finding_becomes_an_annotation():
    """Severity, file, place, code as the title; notes stand below the message."""
    text = "pipeline p\nreturn inptu.x\n"
    found = compile_source(text, source_name="p.saltern", targets=()).diagnostics
    assert annotations(text, found) == [
        (
            "error",
            {"file": "p.saltern", "line": "2", "endLine": "2", "col": "8", "endColumn": "13", "title": "unknown-name"},
            "\n".join((found[0].message, *found[0].notes)),
        )
    ]


@pytest.mark.parametrize("evil", ["a,b", "a:b", "::error::x", "50%", "%0A", "a\nb", "a\r\nb", "%3A", "ü, 100%: x\n::"])
def test_whatever_a_text_says_stays_text(evil):
    """Nothing in a name or a message ends a property, a line or a command."""
    [(command, properties, message)] = annotations("x\n", [Diagnostic("cycle", evil, notes=(evil,))], evil)
    assert (command, properties["file"], message) == ("error", evil, f"{evil}\n{evil}")


def test_places_over_lines_have_no_columns():
    """GitHub shows columns only within one line; what is nowhere is at the first line."""
    found = [Diagnostic("cycle", "m", Origin(None, 0, 4)), Diagnostic("cycle", "m")]
    nowhere, several = (properties for _, properties, _ in annotations("a\nb\n", found))
    assert nowhere == {"file": "p.saltern", "line": "1", "title": "cycle"}
    assert several == {"file": "p.saltern", "line": "1", "endLine": "3", "title": "cycle"}


def test_what_is_allowed_is_left_out():
    """An annotation is for what is still to be judged; no finding is no line."""
    text = "pipeline p\n# saltern: allow unused-node because soon\na = set { value: 1 }\nreturn 1\n"
    result = compile_source(text, source_name="p.saltern", targets=())
    assert len(result.suppressed) == 1
    assert annotations(text, result.diagnostics, suppressed=result.suppressed) == []
