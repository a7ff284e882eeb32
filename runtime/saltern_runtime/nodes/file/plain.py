"""Files that are text: which characters they hold, and whether they are text at all."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

from saltern_runtime.nodes.charsets import charset_in, charset_of, decoded
from saltern_runtime.nodes.file.kinds import bare, end_of
from saltern_runtime.nodes.file.refusal import Refusal

_CONTROLS: Final = re.compile(r"[\x00-\x07\x0b\x0e-\x1a\x1c-\x1f]")
_MAY_BE_CONTROLS: Final = 0.01
"""The part of a text's characters."""
_PAGE: Final = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--(?>(?s:.{0,4000}?)-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE,
)


_HEAD: Final = 8192
"""Bytes in which a page begins."""
_PAGES: Final = frozenset({"text/html", "application/xhtml+xml", "html", "htm", "xhtml"})


def text_of(content: BinaryIO, may: str, *, name: str, media_type: str, encoding: str) -> str:
    """Return what a file of text says, without its mark; raises Refusal where its bytes are none.

    It is of the `encoding`, if one is given; else of that of its mark, of its media type, of the page itself, of UTF-8, or what it looks like.
    """
    content.seek(0)
    octets = content.read()
    if encoding:
        text = _said(octets, encoding)
    else:
        declares = says_page(name, media_type) or _declares(octets[:_HEAD].decode("latin-1"))
        read = decoded(octets, charset=charset_in(media_type), is_json=False, is_page=declares, guess=True)
        if read is None:
            raise Refusal(
                "unsupported-type", f"its bytes are no text; it may be {may}, whose `encoding` is told or said"
            )
        text = read
    controls = sum(1 for _ in _CONTROLS.finditer(text))
    if "\0" in text or controls > _MAY_BE_CONTROLS * len(text):
        at = next(found.start() for found in _CONTROLS.finditer(text))
        what = "NUL" if text[at] == "\0" else f"the control character {ord(text[at])}"
        wide = '; where it is UTF-16, say so: `encoding: "utf-16-le"`' if text[at] == "\0" and not encoding else ""
        why = f"it holds {what} at character {at + 1}, as no text does; it may be {may}{wide}"
        raise Refusal("unsupported-type", why)
    return text


def says_page(name: str, media_type: str) -> bool:
    """Whether a file says that it is HTML."""
    return not _PAGES.isdisjoint({bare(media_type), end_of(name)})


def is_page(text: str) -> bool:
    """Whether a text begins as HTML does."""
    return _PAGE.match(text) is not None


def _declares(head: str) -> bool:
    """Whether a text is one that says of itself which charset it has: HTML or XML, as its beginning shows."""
    return is_page(head) or head.lstrip().startswith("<?xml")


def _said(octets: bytes, encoding: str) -> str:
    name = charset_of(encoding)
    if not name:
        raise Refusal("wrong-encoding", f"there is no encoding {encoding!r}")
    try:
        return octets.decode(name).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Refusal("wrong-encoding", f"byte {error.start + 1} of it is not {encoding}") from None
    except ValueError:
        raise Refusal("wrong-encoding", f"it is not {encoding}") from None
