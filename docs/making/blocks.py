"""The code blocks of a page, and what the words behind their notation say about them.

A block begins with its notation, then words that readers do not see:

    saltern                     a whole pipeline, without a finding
    saltern fragment            a part of one: what the page's hidden prelude has is put behind it
    saltern fails=a-code,other  has exactly these findings, which the site shows below it
    saltern picture             the site shows its drawing below it
    saltern picture critical    with the longest way through a run marked
    saltern stages              the site shows its drawing with a frame around each stage below it
    json file=order.json        stands in this file, of a folder in which the page's commands run
    python from=a/nodes.py      stands in this file of what the page's last whole pipeline compiles to
    toml file=saltern.toml      stands in this file, which says how bad findings are
    console                     commands behind `$`, each with what it prints; `…` stands for anything

The prelude is a comment of the page, `<!-- prelude … -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

BLOCK: Final = re.compile(r"^```(?P<notation>\w+)(?P<marks>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PRELUDE: Final = re.compile(r"^<!-- prelude\n(?P<text>.*?)^-->\n", re.MULTILINE | re.DOTALL)
_MARKS: Final[Mapping[str, frozenset[str]]] = {
    "saltern": frozenset({"fragment", "fails", "picture", "critical", "stages", "file"}),
    "json": frozenset({"file"}),
    "python": frozenset({"file", "from"}),
    "console": frozenset(),
    "text": frozenset(),
    "toml": frozenset({"file"}),
    "yaml": frozenset(),
}
"""Notation → the words that may stand behind it."""


class PageError(Exception):
    """A page is not as pages are."""


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: its notation, its text, the line it begins at, and what the words behind the notation say."""

    notation: str
    text: str
    line: int
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The file it stands in; empty where that is of no matter."""
        return self.marks.get("file", "")

    @property
    def fails(self) -> tuple[str, ...]:
        """The codes of the findings it is there to show, sorted."""
        return tuple(sorted(filter(None, self.marks.get("fails", "").split(","))))


def read_block(page: str, match: re.Match[str]) -> Block:
    """Read what the pattern `BLOCK` has found in a page; raises PageError."""
    notation, line = match["notation"], page.count("\n", 0, match.start()) + 1
    marks = {name: value for name, _, value in (word.partition("=") for word in match["marks"].split())}
    unknown = sorted(marks.keys() - _MARKS.get(notation, frozenset()))
    if notation not in _MARKS or unknown:
        raise PageError(f"line {line}: no block begins with `{notation} {' '.join(unknown)}`")
    return Block(notation, match["text"], line, marks)


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page in their order; raises PageError."""
    for match in BLOCK.finditer(page):
        yield read_block(page, match)


def prelude(page: str) -> str:
    """Return what completes the fragments of a page; empty where it has none."""
    match = PRELUDE.search(page)
    return match["text"] if match else ""


def beside(page: str) -> Mapping[str, str]:
    """Return the pipelines and modules that a page has files of: name → text."""
    files = {block.file: whole(block, page) for block in blocks(page) if block.file}
    return {name: text for name, text in files.items() if name.endswith((".py", ".saltern"))}


def whole(block: Block, page: str) -> str:
    """Return a block of the language as a whole pipeline: places in it are those in the block."""
    return f"{block.text}\n{prelude(page)}" if "fragment" in block.marks else block.text
