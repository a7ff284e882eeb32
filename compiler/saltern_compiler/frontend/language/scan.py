"""A look at the raw text, before and beside the grammar: brackets, what is not closed, where statements begin."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.expr.parse import malformed
from saltern_compiler.frontend.language.types import place
from saltern_runtime.dataclass import dataclass

MAX_LENGTH: Final = 1_000_000
"""Characters of one source at most."""

UNCLOSED_TEMPLATE: Final = "a template is not closed"

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
TOKEN: Final = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | (?P<string> [rRbB]{0,2} (?: \"{3}(?:[^\\]|\\.)*?\"{3} | '{3}(?:[^\\]|\\.)*?'{3}
                              | "(?:[^"\\\r\n]|\\.)*" | '(?:[^'\\\r\n]|\\.)*' ) )
    | (?P<template> `(?: [^`\\{] | \\. | \{(?!\{)
                       | \{\{ (?: "(?:[^"\\\r\n]|\\.)*" | '(?:[^'\\\r\n]|\\.)*' | `[^`\r\n]+` | [^"'`}] | \}(?!\}) )* \}\} )*` )
    | (?P<opening> \[\? | [(\[{] )
    | (?P<closing> [)\]}] )
    | (?P<unclosed> ["'`] )
    | (?P<statement> ^[@A-Za-z_] )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_CONTINUES: Final = re.compile(r"(else|catch|after|join|when|compensate)\b(?!\s*=)")
CLOSES: Final = {"(": ")", "[": "]", "[?": "]", "{": "}"}
_WHAT: Final = {"`": "template", '"': "string", "'": "string"}


@dataclass(slots=True)
class Scan:
    """What a look at the raw text has found."""

    starts: list[int] = field(default_factory=list)
    """Where a line begins with a statement or its first decorator."""
    finding: Diagnostic | None = None
    """What is not closed, or closes nothing: the likely reason why the text cannot be read."""
    templates: list[tuple[int, int]] = field(default_factory=list)


def refuse(text: str) -> Diagnostic | None:
    """Find out whether a text is not worth reading at all."""
    if len(text) > MAX_LENGTH:
        notes = (f"At most {MAX_LENGTH:,} characters.",)
        return Diagnostic("source-too-large", f"the source has {len(text):,} characters", place((0, 0)), notes=notes)
    half = malformed(text)
    if half is not None:
        return half.diagnostic(place((0, 0)))
    control = _CONTROL.search(text)
    if control is None:
        return None
    name = f"U+{ord(control.group()):04X}"
    notes = (f"In a string it is written \\u{ord(control.group()):04x}.",)
    return Diagnostic("control-character", f"the control character {name}", place(control.span()), notes=notes)


def scan(text: str) -> Scan:
    """Look at a text."""
    scanned = Scan()
    brackets: list[tuple[str, int]] = []
    suspect: tuple[str, int] | None = None
    after_decorator = False
    for match in TOKEN.finditer(text):
        kind, at = match.lastgroup, match.start()
        if kind == "statement":
            if not after_decorator and not _CONTINUES.match(text, at):
                scanned.starts.append(at)
                suspect = suspect or (brackets[-1] if brackets else None)
            after_decorator = text[at] == "@"
        elif kind == "opening":
            brackets.append((match.group(), at))
        elif kind == "closing":
            finding = _close(match.group(), at, brackets, suspect)
            if finding is not None:
                scanned.finding = finding
                return _with_rest(scanned, text, at)
        elif kind == "template":
            scanned.templates.append(match.span())
        elif kind == "unclosed":
            scanned.finding = _unclosed(text, match.group(), at, scanned.templates)
            return _with_rest(scanned, text, at)
    if brackets:
        bracket, at = suspect or brackets[-1]
        message = f"a `{bracket}` is not closed"
        scanned.finding = Diagnostic("unclosed-bracket", message, place((at, at + len(bracket))))
    return scanned


def _with_rest(scanned: Scan, text: str, at: int) -> Scan:
    """Guess where statements begin after a place from which on nothing can be told for sure."""
    lines = re.compile(r"(?<=\n)(?:@[^\n]*\n)*[@A-Za-z_]")
    scanned.starts += [match.start() for match in lines.finditer(text, at) if not _CONTINUES.match(text, match.start())]
    return scanned


def _close(
    bracket: str, at: int, brackets: list[tuple[str, int]], suspect: tuple[str, int] | None
) -> Diagnostic | None:
    if brackets and CLOSES[brackets[-1][0]] == bracket:
        brackets.pop()
        return None
    if bracket not in {CLOSES[opening] for opening, _ in brackets}:
        return Diagnostic("unclosed-bracket", f"a `{bracket}` closes nothing", place((at, at + 1)))
    opening, start = suspect or brackets[-1]
    related = (Related(place((at, at + 1)), f"here `{bracket}` closes another one"),)
    message = f"a `{opening}` is not closed"
    return Diagnostic("unclosed-bracket", message, place((start, start + len(opening))), related=related)


def _unclosed(text: str, quote: str, at: int, templates: list[tuple[int, int]]) -> Diagnostic:
    what = _WHAT[quote]
    if what == "template":
        # Of an odd number of backquotes the one that is missing may stand long before the last: the first template that
        # reaches over the beginning of a statement has swallowed the end of another.
        swallowed = (span for span in templates if re.search(r"\n[A-Za-z_@}]", text[span[0] : span[1]]))
        at = next(swallowed, (at, 0))[0]
        notes = ("It ends with a backquote, and `{{` in it with `}}`.",)
        return Diagnostic("unclosed-string", UNCLOSED_TEMPLATE, place((at, at + 1)), notes=notes)
    end = text.find("\n", at)
    notes = (f"It ends with {quote} on the same line; longer texts stand in backquotes or {quote * 3}.",)
    return Diagnostic(
        "unclosed-string", "a string is not closed", place((at, len(text) if end < 0 else end)), notes=notes
    )


def balance(text: str) -> int:
    """Count the brackets that a text opens, less those it closes."""
    kinds = [match.lastgroup for match in TOKEN.finditer(text)]
    return kinds.count("opening") - kinds.count("closing")
