"""From places as the compiler keeps them to characters of a text, computed only when they are asked for."""

from __future__ import annotations

from functools import cached_property

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.frontend.notation import Locate, Notation, by_offsets
from saltern_compiler.frontend.notations import NOTATIONS, notation_of


class Locator:
    """Turns origins into ranges of one source text.

    A pointer to a value that is not there gives the nearest value around it; offsets outside of a string give the string.
    """

    def __init__(self, text: str, source_name: str, notations: tuple[Notation, ...] = NOTATIONS) -> None:
        self._text = text
        self._name = source_name
        self._notations = notations

    def offsets(self, origin: Origin) -> tuple[int, int]:
        """Return the range of an origin, in characters of the text."""
        return self._by_offsets(origin) if origin.pointer is None else self._by_notation(origin)

    @cached_property
    def _by_offsets(self) -> Locate:
        return by_offsets(self._text)

    @cached_property
    def _by_notation(self) -> Locate:
        notation = notation_of(self._name, self._text, self._notations)
        return by_offsets(self._text) if notation is None else notation.locate(self._text)
