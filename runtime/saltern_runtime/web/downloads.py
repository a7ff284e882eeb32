"""Files that go out: to their tenant alone, a part at a time, and never as something that a browser would run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from typing import Annotated, Final
from urllib.parse import quote

import anyio
from fastapi import Query
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from saltern_runtime.files import clean_name
from saltern_runtime.store.files import Held
from saltern_runtime.store.payloads import PayloadGoneError
from saltern_runtime.web.backend import Backend
from saltern_runtime.web.guards import exchange
from saltern_runtime.web.problems import ProblemError

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_PLAIN: Final = re.compile(r"[^ !#-\[\]-~]")
"""What a quoted `filename` leaves out; `filename*` has it."""


async def get_file(
    request: Request,
    sha256: str,
    name: Annotated[str | None, Query(max_length=1000, description="What the file is called on its way out.")] = None,
) -> Response:
    """Give the bytes of a file of the token's tenant, or one range of them. They are what somebody sent: nothing says that they are safe."""
    admitted = exchange(request)
    service, tenant = admitted.backend.service, admitted.caller.tenant
    shelf = await anyio.to_thread.run_sync(lambda: service.shelf)
    held = await anyio.to_thread.run_sync(shelf.find, tenant, sha256) if _DIGEST.fullmatch(sha256) else None
    if held is None:
        raise _unknown()
    headers = _headers(held, held.file.name if name is None else clean_name(name))
    if _is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(None, 304, {name: headers[name] for name in ("ETag", "Cache-Control")})
    first, behind, status = 0, held.file.size, 200
    span = _span(request, held.file.size, headers["ETag"])
    if span is not None:
        (first, behind), status = span, 206
        headers["Content-Range"] = f"bytes {first}-{behind - 1}/{held.file.size}"
    headers["Content-Length"] = str(behind - first)
    if request.method == "HEAD":
        return Response(None, status, headers)
    if admitted.backend.downloads.is_full(tenant):
        message = "so many files go out at once that no more can: ask again in a moment"
        raise ProblemError(503, "busy", message, headers={"Retry-After": "2"})
    chunks = _part(shelf.chunks(tenant, sha256), first, behind)
    try:
        begun = await anyio.to_thread.run_sync(next, chunks, b"")
    except PayloadGoneError as error:
        raise _unknown() from error
    return StreamingResponse(_sent(admitted.backend, tenant, chain((begun,), chunks)), status, headers)


async def _sent(backend: Backend, tenant: str, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what is read meanwhile, within the share of the tenant."""
    async with backend.downloads.one(tenant), backend.downloads.whole:
        async for chunk in iterate_in_threadpool(chunks):
            yield chunk


def _headers(held: Held, name: str) -> dict[str, str]:
    file = held.file
    plain = _PLAIN.sub("_", name)
    return {
        "Content-Type": file.media_type,
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{file.sha256}"',
        "Accept-Ranges": "bytes",
    }


def _is_known(given: str, etag: str) -> bool:
    return given.strip() == "*" or etag in (one.strip().removeprefix("W/") for one in given.split(","))


def _span(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """Return where the range that is asked for begins, and what is behind it; None for all. Raises a 416 problem."""
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if found is None or found.groups() == ("", "") or request.headers.get("if-range", etag).strip() != etag:
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None  # no range at all (RFC 9110, 14.1.1)
    begin = int(first) if first else max(0, size - int(last))
    behind = min(size, int(last) + 1) if first and last else size
    if begin >= behind:
        raise ProblemError(
            416, "range-not-satisfiable", f"the file has {size} bytes", headers={"Content-Range": f"bytes */{size}"}
        )
    return begin, behind


def _part(chunks: Iterator[bytes], first: int, behind: int) -> Iterator[bytes]:
    """Yield the bytes from one place to another."""
    at = 0
    for chunk in chunks:
        cut = chunk[max(0, first - at) : max(0, behind - at)]
        at += len(chunk)
        if cut:
            yield cut
        if at >= behind:
            return


def _unknown() -> ProblemError:
    return ProblemError(
        404, "file-not-found", "no such file: it never was, belongs to another tenant, or is kept no longer"
    )
