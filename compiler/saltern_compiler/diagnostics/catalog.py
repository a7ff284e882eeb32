"""The pages that explain the codes: docs/<code>.md, which lie beside this module."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from saltern_compiler.diagnostics.codes import CODES
from saltern_runtime.dataclass import dataclass

_SECTION: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS: Final = ("What it does", "Why is this bad", "Example", "Use instead")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: the notation it is in, and its text."""

    notation: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be said about a code."""

    code: str
    text: str

    @property
    def summary(self) -> str:
        """The first sentence of what it does."""
        body = self.section("What it does")
        return body.split(". ")[0].removesuffix(".").replace("\n", " ") + "."

    def section(self, title: str) -> str:
        """Return the text of a section; empty where there is none."""
        parts = _SECTION.split(self.text)
        return next((body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True) if name == title), "")

    @property
    def example(self) -> Block | None:
        """The block that has the finding."""
        return _block(self.section("Example"))

    @property
    def files(self) -> Mapping[str, str]:
        """What lies beside the blocks: name → text."""
        return dict(_FILE.findall(self.text))

    @property
    def use_instead(self) -> Block | None:
        """The block that is clean."""
        return _block(self.section("Use instead"))


def _block(section: str) -> Block | None:
    match = _BLOCK.search(section + "\n")
    return Block(match.group(1), match.group(2)) if match else None


def page(code: str) -> Page | None:
    """Return the page of a code; None where there is none."""
    if code not in CODES:
        return None
    text = Path(__file__).with_name("docs").joinpath(f"{code}.md").read_text("utf-8")
    return Page(code, text)
