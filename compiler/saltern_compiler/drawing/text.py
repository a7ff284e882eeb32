"""How wide text is: the advance widths of Helvetica and Arial, which browsers have or stand in for."""

from __future__ import annotations

from typing import Final

from saltern_compiler.characters import columns, is_printable

_WIDTHS: Final[dict[str, int]] = {}
for _width, _chars in (
    (222, "ijl'"), (260, "|"), (278, " !,./:;\\[]ftI"), (333, "()-`r{}"), (355, '"'), (389, "*"), (469, "^"), (500, "Jckvxyzs"),
    (556, "#$0123456789?_abdeghnopquL"), (584, "+<=>~"), (611, "FTZ"), (667, "&ABEKPSVXY"), (722, "CDHNRUw"), (778, "GOQ"),
    (833, "Mm"), (889, "%"), (944, "W"), (1015, "@"),
):  # fmt: skip
    for _char in _chars:
        _WIDTHS[_char] = _width
BOLD: Final = 1.08
_ELLIPSIS: Final = "…"


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is at a font size."""
    units = sum(_WIDTHS.get(char) or _other(char) for char in text)
    return units * size / 1000 * (BOLD if bold else 1)


def _other(char: str) -> int:
    return (0, 650, 1000)[columns(char)]


def fit(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """Shorten a text to the room that it has; control characters and line ends become spaces."""
    shown = " ".join("".join(char if is_printable(char) else " " for char in text).split())
    if width(shown, size, bold=bold) <= room:
        return shown
    while shown and width(shown + _ELLIPSIS, size, bold=bold) > room:
        shown = shown[:-1]
    return shown.rstrip() + _ELLIPSIS
