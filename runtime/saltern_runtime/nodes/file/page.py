"""HTML as text: lines where a browser breaks them, tabs between cells, nothing of scripts, styles and what is hidden."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from saltern_runtime.nodes.file.refusal import Refusal

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_DEPTH: Final = 5_000
"""Elements within each other; a parser of HTML takes the square of their number."""
_LEFT_OUT: Final = frozenset(
    "script style template noscript head iframe object svg canvas audio video datalist frameset".split()  # noqa: SIM905 - as a line
)
_APART: Final = frozenset("p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre table figure hr".split())  # noqa: SIM905 - as a line
"""A blank line stands before and after."""
_LINES: Final = frozenset(
    (  # noqa: SIM905 - as lines
        "address article aside body caption center dd details dialog dir div dt fieldset figcaption footer form header html "
        "legend li main menu nav option optgroup section summary tr thead tbody tfoot"
    ).split()
)
_SPACES: Final = re.compile(r"[ \t\n\r\f]+")
_HIDDEN: Final = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_TAG: Final = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_MAY_STAY_OPEN: Final = frozenset(
    (  # noqa: SIM905 - as lines
        "p li dt dd tr td th thead tbody tfoot option optgroup colgroup rt rp html head body area base br col embed hr img input "
        "link meta param source track wbr font b i a u s em strong small big tt code strike nobr"
    ).split()
)
"""Elements that end by themselves, or are no deeper for each one that is never closed."""


def text_of_page(html: str) -> str:
    """Return the text of a page; raises Refusal (`nested-too-deeply`)."""
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError  # noqa: PLC0415 - reading a spec loads no parser

    depth = 0
    for tag in _TAG.finditer(html):
        if tag[2].lower() not in _MAY_STAY_OPEN:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            if depth > MAX_DEPTH:
                raise Refusal("nested-too-deeply", f"more than {MAX_DEPTH} elements of it lie within each other")
    writer = _Writer()
    try:
        root = LexborHTMLParser(html).body
    except SelectolaxError:  # whatever the text, it is a page: only memory may fail
        raise Refusal("too-large", "reading it needs more memory than a file may take") from None
    if root is not None:
        _walk(root, writer)
    return writer.text


def _walk(root: LexborNode, writer: _Writer) -> None:
    """Go through a tree without recursion: pages nest as deeply as they like."""
    waits: list[tuple[LexborNode, bool]] = [(root, False)]
    while waits:
        node, ends = waits.pop()
        if node.is_text_node:
            writer.write(node.text_content or "")
            continue
        tag = node.tag or ""
        if ends:
            writer.end(tag)
            continue
        if not node.is_element_node or tag in _LEFT_OUT or _is_hidden(node):
            continue
        writer.begin(tag)
        waits.append((node, True))
        waits += reversed([(child, False) for child in node.iter(include_text=True)])


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or _HIDDEN.search(attributes.get("style") or "") is not None


class _Writer:
    """Puts down words, and between them no more white space than is seen."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._breaks = 0
        self._space = False
        self._at_edge = True
        self._preformatted = 0
        self._lists: list[int | None] = []
        self._cells: list[int] = []

    @property
    def text(self) -> str:
        """What was written, in the end."""
        lines = "".join(self._parts).split("\n")
        return "\n".join(line.rstrip(" ") for line in lines).strip("\n")

    def begin(self, tag: str) -> None:
        """Begin an element."""
        if tag == "br":
            self._parts.append("\n")
            self._space = False
        elif tag in ("td", "th"):
            self._cell()
        elif tag in _APART or tag in _LINES:
            self._break(2 if tag in _APART and not (tag in ("ul", "ol") and self._lists) else 1)
        if tag == "tr":
            self._cells.append(0)
        elif tag in ("pre", "textarea"):
            self._preformatted += 1
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._item()

    def end(self, tag: str) -> None:
        """End one."""
        if tag in ("td", "th"):
            self._breaks, self._space, self._at_edge = 0, False, False
        elif tag == "tr" and self._cells:
            self._cells.pop()
        elif tag in ("pre", "textarea"):
            self._preformatted -= 1
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        if tag in _APART or tag in _LINES:
            self._break(2 if tag in _APART and not (tag in ("ul", "ol") and self._lists) else 1)

    def write(self, text: str) -> None:
        """Write what an element says."""
        if self._preformatted:
            self._put(text)
            return
        words = _SPACES.sub(" ", text)
        self._space |= words.startswith(" ")
        if words.strip(" "):
            self._put(words.strip(" "))
            self._space = words.endswith(" ")

    def _put(self, text: str) -> None:
        if self._breaks and self._parts:
            self._parts.append("\n" * self._breaks)
        elif self._space and not self._at_edge and self._parts and not self._parts[-1].endswith(("\n", "\t")):
            self._parts.append(" ")
        self._parts.append(text)
        self._breaks, self._space, self._at_edge = 0, False, False

    def _break(self, lines: int) -> None:
        if not self._at_edge:
            self._breaks = max(self._breaks, lines)
        self._space = False

    def _cell(self) -> None:
        if self._cells:
            if self._cells[-1]:
                self._parts.append("\t")
            elif self._breaks and self._parts:
                self._parts.append("\n" * self._breaks)
            self._cells[-1] += 1
        self._breaks, self._space, self._at_edge = 0, False, True

    def _item(self) -> None:
        mark = "- "
        if self._lists and self._lists[-1] is not None:
            self._lists[-1] += 1
            mark = f"{self._lists[-1]}. "
        self._put("  " * max(0, len(self._lists) - 1) + mark)
        self._at_edge = True
