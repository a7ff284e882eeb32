"""Files that are text: which characters they hold, and whether they are text at all."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

from saltern_runtime.nodes.charsets import charset_of, decoded
from saltern_runtime.nodes.file.refusal import Refusal

_CONTROLS: Final = re.compile(r"[\x00-\x07\x0b\x0e-\x1a\x1c-\x1f]")
_MAY_BE_CONTROLS: Final = 0.01
"""The part of a text's characters."""
_PAGE: Final = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--(?>(?s:.{0,4000}?)-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE,
)


def text_of(content: BinaryIO, may: str, encoding: str = "") -> str:
    """Return what a file of text says, without its mark; raises Refusal where its bytes are none."""
    content.seek(0)
    octets = content.read()
    if encoding:
        text = _said(octets, encoding)
    else:
        read = decoded(octets, is_json=False, is_page=True, guess=True)
        if read is None:
            raise Refusal("unsupported-type", f"its bytes are no text; it may be {may}")
        text = read
    controls = sum(1 for _ in _CONTROLS.finditer(text))
    if "\0" in text or controls > _MAY_BE_CONTROLS * len(text):
        at = next(found.start() for found in _CONTROLS.finditer(text))
        what = "NUL" if text[at] == "\0" else f"the control character {ord(text[at])}"
        raise Refusal("unsupported-type", f"it holds {what} at character {at + 1}, as no text does; it may be {may}")
    return text


def is_page(text: str) -> bool:
    """Whether a text begins as HTML does."""
    return _PAGE.match(text) is not None


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
