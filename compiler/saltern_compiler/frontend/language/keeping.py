"""Reads a text again and again, and keeps the statements that nobody has touched: they are parsed and lowered once.

Every statement that is new goes to the end of one long text, the store, and has its places there for good. So what is made of
it stays the same object wherever it moves in the source; places become those of the source once a finding is shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import field, replace

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.expr.ast import Span
from saltern_compiler.expr.grammar import Problem
from saltern_compiler.expr.lalr import RefusedError
from saltern_compiler.frontend.language import syntax as syn
from saltern_compiler.frontend.language.builder import Builder
from saltern_compiler.frontend.language.chunks import chunks
from saltern_compiler.frontend.language.lower import Lowering, by_id, id_of
from saltern_compiler.frontend.language.reader import SourceText, parser
from saltern_compiler.frontend.language.scan import refuse
from saltern_compiler.frontend.language.sections import Secrets, Sections
from saltern_compiler.frontend.language.types import place
from saltern_compiler.frontend.language.values import Values
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_runtime.dataclass import dataclass

_WASTE = 65_536
"""Characters that the store may hold beside four times the text, before it begins anew."""


@dataclass(slots=True)
class _Piece:
    """A part of the text that was read alone."""

    text: str
    start: int
    """Where it stands in the store."""
    items: Sequence[syn.Item]
    findings: Sequence[Diagnostic]
    problems: Sequence[Problem]
    nodes: Sequence[Node] | None = None
    """What its statements were lowered to, where nothing else had a part in it and nothing was found."""

    @property
    def statements(self) -> list[syn.Statement]:
        return [item for item in self.items if isinstance(item, syn.Statement)]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a text says, in places of the store."""

    pipeline: Pipeline
    findings: list[Diagnostic]
    real: Callable[[int, int], Span]
    """From a place of the store to that in the text."""


@dataclass(slots=True)
class Keeper:
    """Reads the texts of one source, one after the other."""

    parsed: int = 0
    """How many parts of the last text were parsed: those that the text before it did not have."""
    _store: str = ""
    _pieces: list[_Piece] = field(default_factory=list)

    def read(self, text: str) -> Kept | None:
        """Return what a text says; None where it has to be read as a whole: what is wrong with it, if anything is, is not told here."""
        self.parsed = 0
        spans = None if refuse(text) is not None else chunks(text)
        if spans is None:
            return None
        pieces = self._read([text[start:end] for start, end in spans])
        if pieces is None:
            return None
        self._pieces = pieces
        pipeline, findings = self._lower(pieces)
        if pipeline is None or "name" not in dict(pipeline.origins):
            return None
        return Kept(pipeline, findings, _real(pieces, [start for start, _ in spans]))

    def _read(self, texts: Sequence[str]) -> list[_Piece] | None:
        """Return a part for each text: one that is known, each once, or a new one."""
        if len(self._store) > 4 * sum(map(len, texts)) + _WASTE:
            self._store, self._pieces = "", []
        free: dict[str, list[_Piece]] = defaultdict(list)
        for mine in reversed(self._pieces):
            free[mine.text].append(mine)
        known = [free[text].pop() if free[text] else None for text in texts]
        starts: list[int] = []
        added: list[str] = []
        at = len(self._store)
        for text, old in zip(texts, known, strict=True):
            starts.append(at if old is None else old.start)
            if old is None:
                added.append(text)
                at += len(text) + 1  # so that the end of one is not the beginning of the next
        self._store += "".join(f"{text}\n" for text in added)
        pieces: list[_Piece] = []
        for text, old, start in zip(texts, known, starts, strict=True):
            made = self._parse(text, start) if old is None else old
            if made is None:
                return None
            pieces.append(made)
        return pieces

    def _parse(self, text: str, start: int) -> _Piece | None:
        self.parsed += 1
        builder = Builder(self._store)
        try:
            items: Sequence[syn.Item] = parser().parse(self._store, (start, start + len(text)), "source", builder)
        except RefusedError:
            return None
        return _Piece(text, start, items, builder.findings, builder.problems)

    def _lower(self, pieces: Sequence[_Piece]) -> tuple[Pipeline | None, list[Diagnostic]]:
        """Make the pipeline, as the reader does of a whole text."""
        source = SourceText(self._store)
        source.findings += [finding for piece in pieces for finding in piece.findings]
        source.findings += [problem.diagnostic(place((0, 0))) for piece in pieces for problem in piece.problems]
        secrets = _Secrets()
        values = Values(source.expression, secrets.inline, source.findings.append)
        sections = Sections(values, secrets, source.findings.append)
        lowering = Lowering(values, sections, source.findings.append)
        lowering.taken = {name for piece in pieces for each in piece.statements if (name := id_of(each))}
        for piece in pieces:
            for item in piece.items:
                if not isinstance(item, syn.Statement):
                    sections.add(item)
        nodes: list[Node] = []
        for piece in pieces:
            if piece.nodes is None:
                before = (len(source.findings), secrets.asked)
                made = lowering.statements(piece.statements, ())
                piece.nodes = made if before == (len(source.findings), secrets.asked) else None
                nodes += made
            else:
                nodes += piece.nodes
        pipeline = sections.pipeline(Region(by_id(nodes)), 0)
        whole = place((pieces[0].start, pieces[-1].start + len(pieces[-1].text)))
        return None if lowering.too_deep else replace(pipeline, origin=whole), source.findings


@dataclass(slots=True)
class _Secrets(Secrets):
    """Secrets that count how often an inline one was named: what that gives hangs on all the others."""

    asked: int = 0

    def inline(self, variable: str, span: Span) -> str:
        """Return the name of the secret that stands in an environment variable."""
        self.asked += 1
        return Secrets.inline(self, variable, span)


def _real(pieces: Sequence[_Piece], starts: Sequence[int]) -> Callable[[int, int], Span]:
    ordered = sorted((piece.start, start) for piece, start in zip(pieces, starts, strict=True))
    stored = [start for start, _ in ordered]

    def one(at: int) -> int:
        there, here = ordered[max(bisect_right(stored, at) - 1, 0)]
        return here + at - there

    def real(start: int, end: int) -> Span:
        return one(start), one(end - 1) + 1 if end > start else one(start)

    return real


def moved(finding: Diagnostic, to: Callable[[Origin], Origin]) -> Diagnostic:
    """Return a finding with all its places moved."""
    related = tuple(replace(other, origin=to(other.origin)) for other in finding.related)
    fixes = tuple(
        replace(fix, edits=tuple(replace(edit, origin=to(edit.origin)) for edit in fix.edits)) for fix in finding.fixes
    )
    return finding.at(to(finding.origin), related, fixes)
