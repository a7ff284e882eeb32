"""The Saltern language: text to pipeline, with all findings at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr import tables
from saltern_compiler.expr.ast import Expr, Span
from saltern_compiler.expr.grammar import BRACKETS, MAX_DEPTH
from saltern_compiler.expr.lalr import Parser, RefusedError
from saltern_compiler.expr.paths import path_of
from saltern_compiler.frontend.language import syntax as syn
from saltern_compiler.frontend.language.builder import Builder
from saltern_compiler.frontend.language.grammar import GRAMMAR, START, TABLE
from saltern_compiler.frontend.language.lower import Lowering
from saltern_compiler.frontend.language.scan import UNCLOSED_TEMPLATE, Scan, balance, refuse, scan
from saltern_compiler.frontend.language.sections import Secrets, Sections
from saltern_compiler.frontend.language.types import place
from saltern_compiler.frontend.language.values import Values
from saltern_compiler.ir.pipeline import Pipeline, Secret, Trigger
from saltern_runtime.spec import Type

MAX_FINDINGS: Final = 50
"""Findings about the syntax of one source at most."""


@cache
def parser() -> Parser:
    """Return what runs the grammar's table."""
    return tables.runner(GRAMMAR, START, TABLE, brackets=BRACKETS, limit=MAX_DEPTH)


def read(text: str) -> tuple[Pipeline | None, list[Diagnostic]]:
    """Read a pipeline. There is none where the syntax is broken, since what would be missing had consequences everywhere."""
    refused = refuse(text)
    if refused is not None:
        return None, [refused]
    source = SourceText(" " + text[1:] if text.startswith("\ufeff") else text)
    items: Sequence[syn.Item] | None = source.parse((0, len(text)))
    if items is None:
        return None, source.recover()
    pipeline = source.lower(items)
    return pipeline, source.findings


def read_triggers(text: str, secrets: Sequence[Secret]) -> tuple[Sequence[Trigger], Sequence[Secret], list[Diagnostic]]:
    """Read lines `on …` that stand alone, beside the secrets of the pipeline that they are for; return these with those that are new.

    Whatever else stands there is reported.
    """
    refused = refuse(text)
    if refused is not None:
        return (), (), [refused]
    source = SourceText(text)
    items: Sequence[syn.Item] | None = source.parse((0, len(text)))
    if items is None:
        return (), (), source.recover()
    for item in items:
        if not isinstance(item, syn.TriggerLine):
            notes = ('It takes what stands behind `on`: `api`, `webhook "/path" { … }`, `schedule "0 7 * * *"`.',)
            source.findings.append(Diagnostic("syntax-error", "this is no trigger", place(item.span), notes=notes))
    pipeline = source.lower([item for item in items if isinstance(item, syn.TriggerLine)], secrets)
    found = [finding for finding in source.findings if finding.code != "unnamed-pipeline"]
    return ((), (), found) if pipeline is None else (pipeline.triggers, pipeline.secrets, found)


def read_type(text: str) -> tuple[Type | None, list[Diagnostic]]:
    """Read a type as the language writes it; the other way is `saltern_runtime.spec.show`."""
    source = SourceText(text)
    type_: Type | None = source.parse((0, len(text)), "type")
    return type_, source.findings


class SourceText:
    """One text, and what is found in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.findings: list[Diagnostic] = []

    def parse(self, span: Span, start: str = "source") -> Any:
        """Parse a part of the text by a start rule; None with a finding where it breaks the grammar."""
        builder = Builder(self.text)
        try:
            built = parser().parse(self.text, span, start, builder)
        except RefusedError:
            from saltern_compiler.frontend.language.errors import why  # noqa: PLC0415 - what is right needs no Lark

            self.findings.append(why(self.text, span, start, _what(start, span, self.text)))
            return None
        self.findings += builder.findings
        self.findings += [problem.diagnostic(place((0, 0))) for problem in builder.problems]
        return built

    def lower(self, items: Sequence[syn.Item], known: Sequence[Secret] = ()) -> Pipeline | None:
        """Make a pipeline of what was parsed; none where a part is nested too deeply to stand in it. `known`: its secrets already."""
        secrets = Secrets(list(known))
        values = Values(self.expression, secrets.inline, self.findings.append)
        sections = Sections(values, secrets, self.findings.append)
        lowering = Lowering(values, sections, self.findings.append)
        pipeline = lowering.pipeline(items, len(self.text))
        return None if lowering.too_deep else pipeline

    def expression(self, span: Span) -> Expr | None:
        """Read the expression at a place."""
        if self.text[slice(*span)].strip():
            plain = path_of(self.text, span)
            expression: Expr | None = self.parse(span, "expr") if plain is None else plain
            return expression
        at = place((span[0] - 2, span[1] + 2))
        notes = ("Between `{{` and `}}` stands a value, such as `{{ input.name }}`.",)
        self.findings.append(Diagnostic("syntax-error", "nothing stands between the braces", at, notes=notes))
        return None

    def recover(self) -> list[Diagnostic]:
        """Return what is wrong with a text that cannot be parsed as a whole, statement by statement."""
        whole, self.findings = self.findings, []
        scanned = scan(self.text)
        items: list[syn.Item] = []
        is_complete = True
        for span in _chunks(scanned, len(self.text)):
            if _holds(span, scanned.finding):
                is_complete = False
                continue
            parsed = self.parse(span)
            items += parsed or ()
            if parsed is None:
                is_complete = False
                if self.findings[-1].code == "syntax-error":  # of any other one, what stands around is whole
                    self._look_further(span)
            if len(self.findings) > MAX_FINDINGS:
                break
        if scanned.finding is not None:
            self.findings.append(scanned.finding)
        elif is_complete:
            return whole
        broken = list(self.findings)
        self.lower(items)
        return broken + [finding for finding in self.findings[len(broken) :] if finding.code != "unnamed-pipeline"]

    def _look_further(self, span: Span) -> None:
        """Find more errors of a statement, each time as if the lines of the last one were not there."""
        source = self
        while len(self.findings) <= MAX_FINDINGS:
            at = source.findings[-1].origin.start or 0
            line = _lines_of(source.text, at, span)
            if line is None:
                return
            blank = " " * (line[1] - line[0])
            source = SourceText(source.text[: line[0]] + blank + source.text[line[1] :])
            if source.parse(span) is not None or (source.findings[-1].origin.start or 0) < line[1]:
                return
            self.findings.append(source.findings[-1])


def _what(start: str, span: Span, text: str) -> str:
    if start == "source":
        return "statement" if span[1] < len(text) else "text"
    return {"expr": "expression"}.get(start, start)


def _chunks(scanned: Scan, end: int) -> list[Span]:
    starts = sorted({0, *scanned.starts})
    return list(zip(starts, [*starts[1:], end], strict=True))


def _holds(span: Span, finding: Diagnostic | None) -> bool:
    """Tell whether a chunk is, or comes after, the reason why nothing can be said about it."""
    if finding is None or finding.origin.start is None:
        return False
    if finding.message == UNCLOSED_TEMPLATE:
        return span[1] > finding.origin.start
    return span[0] <= finding.origin.start < span[1]


def _lines_of(text: str, at: int, span: Span) -> Span | None:
    """Return the lines of the innermost entry or statement at a place; None where that is the whole chunk."""
    start = text.rfind("\n", 0, at) + 1
    end = _line_end(text, at, span)
    depth = balance(text[start:end])
    while depth < 0 and start > span[0]:
        before = text.rfind("\n", 0, start - 1) + 1
        depth += balance(text[before:start])
        start = before
    while depth > 0 and end < span[1]:
        after = _line_end(text, end + 1, span)
        depth += balance(text[end:after])
        end = after
    return None if depth != 0 or start <= span[0] else (start, end)


def _line_end(text: str, at: int, span: Span) -> int:
    end = text.find("\n", at, span[1])
    return span[1] if end < 0 else end
