"""The body of a request of `http.request`: text, JSON, a file, or a form with files. Files are read as they are sent."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

import httpx

from saltern_runtime.dataclass import dataclass
from saltern_runtime.files import Chunks
from saltern_runtime.models import plain

if TYPE_CHECKING:
    from saltern_runtime.context import Context
    from saltern_runtime.files import File, Files


@dataclass(frozen=True, slots=True)
class Body:
    """What a pipeline sends: a text or JSON, a file, or a form with files."""

    body: object = None
    file: File | None = None
    files: Mapping[str, File] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """What is sent, as often as it must be; `arguments()` are those of `httpx.Client.build_request`."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """What it says of itself, where the pipeline says nothing."""
    arguments: Callable[[], Mapping[str, Any]] = dict


def files_of(ctx: Context) -> Files:
    """Return where a node's files are; raises RuntimeError where nothing stores any."""
    if ctx.files is None:
        raise RuntimeError("nothing here stores files")
    return ctx.files


def sent(ctx: Context, what: Body) -> Sent:
    """Write a body and name its type; raises ValueError for what no body can be."""
    body, file, parts = what.body, what.file, what.files
    stored = [each for each in (*parts.values(), file) if each is not None and each.content is None]
    if stored:
        files_of(ctx).secure(stored)  # so that nothing is asked for whose bytes are gone
    if file is not None:
        if body is not None or parts:
            raise ValueError("`file` is a whole body, beside which there is no `body` and no `files`")
        known = {"Content-Type": file.media_type, "Content-Length": str(file.size)}
        return Sent(known, lambda: {"content": _chunks(ctx, file)})
    if parts:
        fields = dict(_fields(body))
        return Sent({}, lambda: {"data": fields, "files": [_part(ctx, name, of) for name, of in parts.items()]})
    if body is None:
        return Sent()
    if isinstance(body, str):
        text = body.encode()
        return Sent({"Content-Type": "text/plain; charset=utf-8"}, lambda: {"content": text})
    raw = json.dumps(plain(body), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Sent({"Content-Type": "application/json"}, lambda: {"content": raw})


def _chunks(ctx: Context, file: File) -> Iterator[bytes]:
    return files_of(ctx).chunks(file) if file.content is None else iter((file.content,))


def _fields(body: object) -> Iterator[tuple[str, str | list[str]]]:
    """Yield the fields of a form: a text as it is, all else as JSON; null ones are left out, lists are repeated."""
    given = plain(body)
    if not isinstance(given, dict):
        if given is not None:
            raise ValueError("beside `files`, the `body` is an object: the other fields of the form")
        return
    for name, value in given.items():
        if isinstance(value, list):
            yield name, [_text(each) for each in value if each is not None]
        elif value is not None:
            yield name, _text(value)


def _text(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    )


def _part(ctx: Context, name: str, file: File) -> tuple[str, tuple[str, Any, str]]:
    return name, (file.name, Rewindable(file.size, lambda: _chunks(ctx, file)), file.media_type)


class Rewindable(Chunks):
    """A stream of known length that is read from its beginning, as often as that is asked for."""

    def __init__(self, size: int, chunks: Callable[[], Iterator[bytes]]) -> None:
        self._size, self._all, self._at = size, chunks, 0
        super().__init__(self._from_beginning())

    def _from_beginning(self) -> Iterator[bytes]:
        yield from self._all()  # asked for no sooner than they are read

    def seekable(self) -> bool:
        """Say yes: to its beginning and to its end."""
        return True

    def tell(self) -> int:
        """Return how much was read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to the beginning, or to the end."""
        if offset != 0 or whence not in (os.SEEK_SET, os.SEEK_END):
            raise io.UnsupportedOperation("a stored file is read from its beginning")
        self._at = self._size if whence == os.SEEK_END else 0
        self.begin(iter(()) if self._at else self._from_beginning())
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what comes next."""
        size = super().readinto(buffer)
        self._at += size
        return size


def request_of(
    client: httpx.Client, method: str, place: httpx.URL, headers: httpx.Headers, what: Sent, **more: Any
) -> httpx.Request:
    """Return the request that sends it."""
    given = httpx.Headers(headers)
    given.pop("Content-Length", None)  # what is sent says how long it is
    for name, value in what.headers.items():
        given.setdefault(name, value)
    return client.build_request(method, place, headers=given, **what.arguments(), **more)
