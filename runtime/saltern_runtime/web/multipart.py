"""Reads multipart/form-data a part at a time, out of a body that is still coming: no more than a chunk of it is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from saltern_runtime.disposition import field_of, filename_of
from saltern_runtime.web.problems import ProblemError
from saltern_runtime.web.uploads import media_type

MAX_PARTS: Final = 1000
"""Parts of a form, at most."""
MAX_HEADERS: Final = 8192
"""Bytes of one part's headers, at most."""
_FEED: Final = 65_536
"""Bytes that are parsed at a time."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part; its data is read before the next one comes."""

    name: str
    filename: str | None
    """As it came; None for what is no file."""
    said: str
    """Its Content-Type as it came; empty where it has none."""
    data: Iterator[bytes]

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        return self.said.partition(";")[0].strip().lower() == "application/json"

    def kind(self, called: str) -> str:
        """Return the media type of a file that is called so; raises a problem."""
        return media_type(self.said, called)


class Parts:
    """The parts of a body. All that is no file's content is `limit` bytes at most: 413 beyond."""

    def __init__(self, chunks: Iterable[bytes], boundary: str, charset: str, limit: int) -> None:
        """Take the body; raises a problem where the boundary is none."""
        self._charset, self._limit = charset, limit
        self._chunks = (chunk[at : at + _FEED] for chunk in chunks for at in range(0, len(chunk), _FEED))
        self._events: deque[tuple[str, Any]] = deque()
        self._field, self._value, self._headers = bytearray(), bytearray(), dict[str, str]()
        self._heads = self._count = self._read = self._texts = 0
        self._data = 0
        try:
            encoded = boundary.encode("latin-1")
            self._parser = MultipartParser(encoded, {
                "on_part_begin": self._on_part_begin,
                "on_part_data": self._on_part_data,
                "on_part_end": lambda: self._events.append(("part-end", None)),
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": lambda: self._events.append(("part", self._headers)),
                "on_end": lambda: self._events.append(("end", None)),
            })  # fmt: skip
        except (FormParserError, UnicodeEncodeError) as error:
            raise malformed() from error
        if not encoded:
            raise malformed()

    def __iter__(self) -> Iterator[Part]:
        """Yield each part; raises problems, one for a body that ends before its last boundary among them.

        A field for a file that nobody chose is none, though browsers send a part for it: without a name, and without bytes.
        """
        while True:
            kind, headers = self._next()
            if kind == "end":
                break
            if kind != "part":
                continue  # what nobody read of the one before
            disposition = headers.get("content-disposition", "")
            name = field_of(disposition)
            if name is None:
                raise malformed()
            part = Part(name, filename_of(disposition), headers.get("content-type", ""), self._of_part())
            if part.filename == "":
                begun = next(part.data, None)
                if begun is None:
                    continue
                part = replace(part, data=chain((begun,), part.data))
            yield part
        if not self._count:
            raise malformed()
        for chunk in self._chunks:
            self._read += len(chunk)
            self._check()

    def text(self, part: Part) -> str:
        """Return a part's content as a text; raises a problem where it is none, or is too large."""
        held = bytearray()
        for chunk in part.data:
            self._texts += len(chunk)
            self._check()
            held += chunk
        return self._decoded(held)

    def _decoded(self, raw: bytes | bytearray) -> str:
        try:
            return raw.decode(self._charset)
        except UnicodeDecodeError as error:
            raise malformed() from error

    def _of_part(self) -> Iterator[bytes]:
        while True:
            kind, chunk = self._next()
            if kind != "data":
                return
            yield chunk

    def _next(self) -> tuple[str, Any]:
        while not self._events:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise malformed("it ends before its last boundary")
            self._read += len(chunk)
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise malformed() from error
            self._check()
        return self._events.popleft()

    def _check(self) -> None:
        if self._read - self._data + self._texts > self._limit:
            message = f"the form is larger than {self._limit} bytes, without its files"
            raise ProblemError(413, "body-too-large", message, headers={"Connection": "close"}, limit=self._limit)

    def _on_part_begin(self) -> None:
        self._count += 1
        self._heads, self._headers = 0, {}
        if self._count > MAX_PARTS:
            raise ProblemError(400, "too-many-fields", f"the form has more than {MAX_PARTS} fields")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += end - start
        if end > start:
            self._events.append(("data", data[start:end]))

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._grow(self._field, data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._grow(self._value, data[start:end])

    def _grow(self, held: bytearray, more: bytes) -> None:
        self._heads += len(more)
        if self._heads > MAX_HEADERS:
            raise malformed("a part of it has headers that are too large")
        held += more

    def _on_header_end(self) -> None:
        self._headers.setdefault(self._field.decode("latin-1").lower(), self._decoded(self._value))
        self._field.clear()
        self._value.clear()


def malformed(why: str = "") -> ProblemError:
    """Return the problem of a body that is no form."""
    return ProblemError(
        400, "malformed-form", "the body is not multipart form fields in UTF-8" + (f": {why}" if why else "")
    )
