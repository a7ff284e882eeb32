"""From JSON Pointers to characters of a document's text."""

from __future__ import annotations

from functools import cached_property

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.frontend.document import jsontext
from saltern_compiler.frontend.document.jsontext import Place, Scan


class Pointers:
    """Finds the values of one text; it is scanned when the first is asked for."""

    def __init__(self, text: str, yaml: bool) -> None:
        self._text = text
        self._is_yaml = yaml

    def offsets(self, origin: Origin) -> tuple[int, int]:
        """Return the range of a value or its key, or of characters inside of a string."""
        pointer = origin.pointer or ""
        place = self._nearest(pointer)
        if place is None:
            return 0, 0
        if origin.key and pointer in self._scan.places and place.key_start >= 0:
            return place.key_start, place.key_end
        if origin.start is None or origin.end is None or origin.start == origin.end == 0:
            return place.start, place.end
        return self._inside(pointer, place, origin.start, origin.end)

    @cached_property
    def _scan(self) -> Scan:
        if not self._is_yaml:
            return jsontext.scan_json(self._text)
        from saltern_compiler.frontend.document.yamltext import scan_yaml  # noqa: PLC0415 - JSON needs no YAML

        return scan_yaml(self._text)

    def _nearest(self, pointer: str) -> Place | None:
        while pointer not in self._scan.places and pointer:
            pointer = pointer.rpartition("/")[0]
        return self._scan.places.get(pointer)

    def _inside(self, pointer: str, place: Place, start: int, end: int) -> tuple[int, int]:
        """Find characters of a string's value in the text, through its escapes."""
        offsets: list[int] | None = None
        if self._is_yaml and pointer in self._scan.texts:
            from saltern_compiler.frontend.document import yamltext  # noqa: PLC0415 - JSON needs no YAML

            offsets = yamltext.inner_offsets(self._text, place.start, place.end, self._scan.texts[pointer])
        elif not self._is_yaml and self._text.startswith('"', place.start):
            offsets = jsontext.inner_offsets(self._text, place.start, place.end)
        if offsets is None or not 0 <= start <= end < len(offsets):
            return place.start, place.end
        return offsets[start], offsets[end]
