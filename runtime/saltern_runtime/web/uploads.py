"""Files that come in: a body goes into the store as it arrives, in a thread that pulls it, so that memory stays flat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final, TypeVar

import anyio
from fastapi import Query
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from saltern_runtime.disposition import filename_of
from saltern_runtime.files import OCTETS, File, clean_name, media_type_of
from saltern_runtime.store.failures import StoreUnavailableError, StoreUnfitError
from saltern_runtime.store.files import FileTooLargeError
from saltern_runtime.web.backend import Backend
from saltern_runtime.web.guards import exchange
from saltern_runtime.web.models import PlainResponse
from saltern_runtime.web.problems import ProblemError
from saltern_runtime.web.requests import JsonRequest

T = TypeVar("T")
FILE_ROUTE: Final = "{pipeline}.file"
FORM: Final = "application/x-www-form-urlencoded"
STALL: Final = 60.0
"""Seconds for which a client may send nothing in the middle of a body."""
_SAYS_NOTHING: Final = frozenset({"", OCTETS, FORM})
"""Media types that nobody means for a file: what curl sends unasked."""
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_MEDIA_TYPE: Final[TypeAdapter[str]] = TypeAdapter(
    Annotated[str, *File.model_fields["media_type"].metadata]  # as a file takes it
)


async def put_file(
    request: Request,
    name: Annotated[
        str | None, Query(max_length=1000, description="What the file is called; else as Content-Disposition says.")
    ] = None,
) -> Response:
    """Store the body as a file, whatever it is: Content-Type is its media type. A run takes it by what is answered."""
    assert isinstance(request, JsonRequest), "guarded routes are given one"
    admitted = exchange(request)
    if request.media_type().startswith("multipart/"):
        message = "the body of a file is sent as it is; forms with files go where runs are started"
        raise ProblemError(415, "unsupported-media-type", message)
    request.require_uncompressed()
    said = request.headers.get("content-disposition", "").encode("latin-1").decode("utf-8", "replace")
    called = clean_name(name if name is not None else filename_of(said) or "")
    kind = media_type(request.headers.get("content-type", ""), called)
    settings = admitted.backend.settings

    def store(chunks: Iterator[bytes]) -> File:
        return admitted.backend.service.shelf.put(
            admitted.caller.tenant, chunks, name=called, media_type=kind, keep=settings.upload_keep
        )

    declared = request.headers.get("content-length", "")
    if _DIGITS.fullmatch(declared) and int(declared) > settings.max_file:
        await request.discard()
        raise FileTooLargeError(f"a file may have {settings.max_file} bytes at most")
    file = await pulling(request, admitted.backend, store)
    graph = admitted.backend.service.graph
    path = request.app.url_path_for(FILE_ROUTE.format(pipeline=graph.name), sha256=file.sha256)
    url = str(request.scope.get("root_path", "")).rstrip("/") + str(path)
    return PlainResponse(file.to_json(), 201, {"Location": url})


async def pulling(request: JsonRequest, backend: Backend, take: Callable[[Iterator[bytes]], T]) -> T:
    """Hand the body to a function in a thread as it arrives; what it does not take is thrown away where it raises."""
    try:
        async with backend.uploads.one(exchange(request).caller.tenant):
            return await anyio.to_thread.run_sync(take, _pulled(request), limiter=backend.uploads.whole)
    except (ProblemError, FileTooLargeError, StoreUnavailableError, StoreUnfitError):
        await request.discard()
        raise


def _pulled(request: JsonRequest) -> Iterator[bytes]:
    """Yield the body in a worker's thread; raises ClientDisconnect, and a problem where it stalls or is not as long as was said."""
    stream = request.stream()

    async def following() -> bytes | None:
        with anyio.move_on_after(STALL):
            return await anext(stream, None)
        raise ProblemError(408, "body-stalled", f"nothing came for {STALL:g} seconds", headers={"Connection": "close"})

    declared, size = request.headers.get("content-length", ""), 0
    while (chunk := anyio.from_thread.run(following)) is not None:
        size += len(chunk)
        if chunk:
            yield chunk
    if _DIGITS.fullmatch(declared) and size != int(declared):
        raise ProblemError(400, "body-cut", "the body is not as long as Content-Length says")


def media_type(said: str, name: str) -> str:
    """Return what a file is said to be; by its name where that says nothing. Raises a problem for what is no media type."""
    if said.partition(";")[0].strip().lower() in _SAYS_NOTHING:
        return media_type_of(name)
    try:
        return _MEDIA_TYPE.validate_python(said.strip())
    except ValidationError:
        raise ProblemError(400, "bad-media-type", "the Content-Type of a file is no media type") from None
