"""From a page as it is written to a page as the generator takes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from docs.making.blocks import BLOCK, PRELUDE, Block, beside, read_block, whole
from docs.making.highlight import as_html
from docs.making.pictures import draw
from saltern_compiler.diagnostics.render import render_terminal
from saltern_compiler.driver import compile_source
from saltern_compiler.registry import Registry


@dataclass(frozen=True, slots=True)
class Made:
    """A page, and the pictures that it shows: path beside the page → SVG."""

    text: str
    pictures: Mapping[str, str] = field(default_factory=dict)


def make_page(path: str, text: str, registry: Registry) -> Made:
    """Set the blocks of a page, with findings and pictures below them; raises PageError.

    `path`: where the page lies among the pages, such as `language/if.md`.
    """
    pictures: dict[str, str] = {}

    def show(match: re.Match[str]) -> str:
        block = read_block(text, match)
        if block.notation != "saltern":
            return _fenced(block)
        shown = [as_html(block.text, block.file)]
        if block.fails:
            shown.append(_findings(block, text, path))
        if block.marks.keys() & {"picture", "stages"}:
            marks = {"critical": "critical" in block.marks, "stages": "stages" in block.marks}
            name, svg = draw(whole(block, text), registry, **marks)
            file = f"{path.rpartition('/')[2].removesuffix('.md')}-{name}.svg"
            pictures[file] = svg
            shown.append(f"![The pipeline {name}, drawn]({file}){{ .drawing }}")
        return "\n\n".join(shown)

    return Made(BLOCK.sub(show, PRELUDE.sub("", text)), pictures)


def _fenced(block: Block) -> str:
    title = f' title="{block.file}"' if block.file else ""
    return f"```{block.notation}{title}\n{block.text}```"


def _findings(block: Block, page: str, path: str) -> str:
    text = whole(block, page)
    name = block.file or "example.saltern"
    found = compile_source(text, source_name=name, targets=(), files=beside(page)).diagnostics
    said = render_terminal(found, text, name)
    up = "../" * path.count("/")
    links = ", ".join(f"[{code}]({up}diagnostics/{code}.md)" for code in block.fails)
    return f'<pre class="findings"><code>{escape(said)}</code></pre>\n\nMore: {links}.'
