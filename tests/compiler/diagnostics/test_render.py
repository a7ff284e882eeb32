"""Findings on a terminal."""

from __future__ import annotations

from saltern_compiler.diagnostics import render
from saltern_compiler.diagnostics.model import NOWHERE, Diagnostic, Edit, Fix, Origin, Related
from saltern_compiler.diagnostics.render import render_terminal, wants_color
from saltern_compiler.frontend.locate import Locator

TEXT = "pipeline greet\ninput { name: strng }\nreturn inptu.name\n"
MISSPELT = Diagnostic("unknown-name", "unknown name `inptu`", Origin(None, 44, 49), notes=("Did you mean `input`?",))


def _at(text: str, part: str) -> Origin:
    start = text.index(part)
    return Origin(None, start, start + len(part))


def test_one_finding() -> None:
    """A finding shows its code, message, place, source line with the part underlined, notes and fixes."""
    fixed = Diagnostic(
        "unknown-name",
        "unknown name `inptu`",
        _at(TEXT, "inptu"),
        notes=("Did you mean `input`?",),
        fixes=(Fix("write `input`", (Edit(_at(TEXT, "inptu"), "input"),)),),
    )
    assert render_terminal([fixed], TEXT, "greet.saltern", color=False) == (
        "error[unknown-name]: unknown name `inptu`\n"
        " --> greet.saltern:3:8\n"
        "  |\n"
        "3 | return inptu.name\n"
        "  |        ^^^^^\n"
        "  = Did you mean `input`?\n"
        "  = fix: write `input`\n"
        "\n"
        "1 error in greet.saltern; 1 can be fixed\n"
    )


def test_no_finding() -> None:
    """Nothing to say, nothing said."""
    assert render_terminal([], TEXT, "greet.saltern", color=False) == ""


def test_order_and_summary() -> None:
    """Findings come in the order of the text, and the summary counts them."""
    found = [
        MISSPELT,
        Diagnostic("unused-node", "nothing reads it", _at(TEXT, "name")),
        Diagnostic("unknown-type", "there is no type `strng`", _at(TEXT, "strng")),
    ]
    shown = render_terminal(found, TEXT, "greet.saltern", color=False)
    heads = [line.split("]")[0] for line in shown.splitlines() if line.startswith(("error", "warning"))]
    assert heads == ["warning[unused-node", "error[unknown-type", "error[unknown-name"]
    assert shown.endswith("2 errors and 1 warning in greet.saltern\n")


def test_related_place() -> None:
    """Another place that belongs to a finding is shown with its own line."""
    related = Related(_at(TEXT, "greet"), "the first one stands here")
    shown = render_terminal(
        [Diagnostic("duplicate-id", "two", MISSPELT.origin, related=(related,))], TEXT, "g", color=False
    )
    assert "  = the first one stands here\n --> g:1:10\n  |\n1 | pipeline greet\n  |          ^^^^^\n" in shown


def test_margin_fits_the_line_number() -> None:
    """The frame is as wide as the number of the line."""
    text = "\n" * 99 + "oops"
    shown = render_terminal([Diagnostic("cycle", "m", Origin(None, 99, 103))], text, "g", color=False)
    assert "   --> g:100:1\n    |\n100 | oops\n    | ^^^^\n" in shown


def test_margin_fits_the_line_numbers_of_related_places() -> None:
    """Bars stand below each other where a related place has a longer line number, and where it has a shorter one."""
    text = "a\n" * 9 + "b\n"
    for here, there in (("a", "b"), ("b", "a")):
        finding = Diagnostic("cycle", "m", _at(text, here), related=(Related(_at(text, there), "there"),))
        shown = render_terminal([finding], text, "g", color=False).splitlines()
        assert {line.index("|") for line in shown if "|" in line} == {3}


def test_tabs_and_wide_characters() -> None:
    """The underline stands below what it means, whatever columns the characters before it take."""
    text = "\tname: 日本é x"
    shown = render_terminal([Diagnostic("cycle", "m", _at(text, "x"))], text, "g", color=False).splitlines()
    assert shown[3] == "1 |     name: 日本é x"
    assert shown[4] == "  | " + " " * 16 + "^"


def test_combining_characters_take_no_column() -> None:
    """An accent of its own stands above the letter before it."""
    text = "e\u0301 x"
    shown = render_terminal([Diagnostic("cycle", "m", _at(text, "x"))], text, "g", color=False).splitlines()
    assert shown[4] == "  |   ^"


def test_what_a_terminal_would_obey_is_shown() -> None:
    """Escape sequences and bidirectional controls of the source never reach the terminal."""
    text = 'a: "\x1b[31m\u202e\u200b"'
    found = Diagnostic("cycle", "odd \u202e name", Origin(None, 0, 1), notes=("see \x07",), fixes=(Fix("\x1b", ()),))
    shown = render_terminal([found], text, "a\x1bb", color=False)
    assert '1 | a: "<U+001B>[31m<U+202E><U+200B>"' in shown
    assert "odd <U+202E> name" in shown
    assert "see <U+0007>" in shown
    assert not set(shown) & set("\x1b\x07\u202e\u200b")


def test_span_over_several_lines() -> None:
    """The first line is underlined to its end, and the last one is named."""
    shown = render_terminal([Diagnostic("cycle", "m", Origin(None, 9, 30))], TEXT, "g", color=False)
    assert "1 | pipeline greet\n  |          ^^^^^ to line 2\n" in shown


def test_empty_span_and_end_of_text() -> None:
    """A place between two characters gets one mark, also behind the last one."""
    shown = render_terminal([Diagnostic("cycle", "m", Origin(None, 3, 3))], "abc", "g", color=False)
    assert "1 | abc\n  |    ^\n" in shown


def test_places_outside_of_the_text() -> None:
    """A place that is not in the text is moved into it."""
    shown = render_terminal([Diagnostic("cycle", "m", Origin(None, 50, 60))], "abc", "g", color=False)
    assert " --> g:1:4" in shown


def test_long_lines_are_cut() -> None:
    """Of a line of a whole document only the part around the place is shown."""
    text = "x" * 5_000 + "HERE" + "y" * 5_000
    shown = render_terminal([Diagnostic("cycle", "m", _at(text, "HERE"))], text, "g", color=False)
    line, underline = shown.splitlines()[3:5]
    assert len(line) < 130
    assert underline.index("^") == line.index("HERE")
    assert underline.count("^") == 4


def test_a_line_of_millions_is_not_looked_through_for_each_finding(monkeypatch) -> None:
    """A document may be one line: what stands far from a finding costs nothing."""
    seen: list[int] = []
    real = render.visible
    monkeypatch.setattr(render, "visible", lambda text: seen.append(len(text)) or real(text))
    text = "x" * 100_000
    told = render_terminal([Diagnostic("unknown-name", "here", Origin(None, 50_000, 50_005))], text, "a.saltern")
    assert "…" in told
    assert "^^^^^" in told
    assert max(seen) < 1_000


def test_long_span_is_cut() -> None:
    """A part that is longer than the terminal is underlined as far as it is shown."""
    text = "a" * 5_000
    line, underline = render_terminal(
        [Diagnostic("cycle", "m", Origin(None, 0, 5_000))], text, "g", color=False
    ).splitlines()[3:5]
    assert len(line) == len(underline) < 130


def test_nowhere() -> None:
    """A finding about no place in particular names the source."""
    shown = render_terminal([Diagnostic("cycle", "m", NOWHERE)], TEXT, "g", color=False)
    assert shown == "error[cycle]: m\n --> g\n\n1 error in g\n"


def test_documents() -> None:
    """In an editor document the value is underlined that a JSON Pointer leads to."""
    text = '{\n  "nodes": [{"id": "a"}]\n}'
    found = Diagnostic("cycle", "m", Origin("/nodes/0/id"))
    shown = render_terminal([found], text, "g.json", color=False, locator=Locator(text, "g.json"))
    assert '2 |   "nodes": [{"id": "a"}]\n  |                    ^^^\n' in shown
    assert " --> g.json at /nodes/0/id\n" in render_terminal([found], text, "g.json", color=False)


def test_windows_line_ends() -> None:
    """A carriage return is no part of the line that is shown."""
    shown = render_terminal([Diagnostic("cycle", "m", Origin(None, 3, 4))], "a\r\nb\r\n", "g", color=False)
    assert "2 | b\n" in shown


def test_color() -> None:
    """Colours are added where they are asked for, and change nothing else."""
    colored = render_terminal([MISSPELT], TEXT, "g", color=True)
    assert "\x1b[1;31merror[unknown-name]\x1b[0m" in colored
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render_terminal([MISSPELT], TEXT, "g", color=False)


def test_when_to_color() -> None:
    """Colours need a terminal that has them, and nobody who says NO_COLOR."""
    assert wants_color(is_terminal=True, environ={})
    assert wants_color(is_terminal=True, environ={"NO_COLOR": ""})
    assert not wants_color(is_terminal=True, environ={"NO_COLOR": "1"})
    assert not wants_color(is_terminal=True, environ={"TERM": "dumb"})
    assert not wants_color(is_terminal=False, environ={})


def test_a_secret_is_shown_by_no_finding() -> None:
    """A line on which a secret stands shows its beginning and its quotes, whichever finding is about the line."""
    text = 'on webhook "/a" { signature: githb, secret: "hunter2hunter2" }\n'
    wrong = Diagnostic("invalid-signature", "unknown signature `githb`", _at(text, "githb"))
    written = Diagnostic("literal-secret", "its value stands here", _at(text, '"hunter2hunter2"'))
    shown = render_terminal([wrong, written], text, "a.saltern")
    line = 'on webhook "/a" { signature: githb, secret: "hunt**********" }'
    assert [each[4:] for each in shown.splitlines() if each.startswith("1 | ")] == [line, line]


def test_a_secret_of_several_lines_is_covered_on_each() -> None:
    """Its quotes stand on different lines; what comes after it on its last one is shown."""
    text = 'on webhook "/a" { secret: `correct\nhorse battery`, respon: 5s }\n'
    written = Diagnostic("literal-secret", "its value stands here", _at(text, "`correct\nhorse battery`"))
    unknown = Diagnostic("unknown-setting", "it has no setting `respon`", _at(text, "respon"))
    shown = render_terminal([written, unknown], text, "a.saltern")
    assert '1 | on webhook "/a" { secret: `co*****\n' in shown
    assert "2 | hors*********`, respon: 5s }\n" in shown
