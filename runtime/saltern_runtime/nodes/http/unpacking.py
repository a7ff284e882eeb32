"""Answers that come packed: unpacked a part at a time, so that what they unpack to is counted before it is there."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from saltern_runtime.errors import PermanentError
from saltern_runtime.files import CHUNK

if TYPE_CHECKING:
    import httpx

ACCEPTED: Final = "gzip, deflate"
_GZIP: Final = 16 + zlib.MAX_WBITS
_NAMES: Final = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}


def unpacked(answer: httpx.Response, where: str) -> Iterator[bytes]:
    """Yield what an answer holds as it arrives, unpacked at most `CHUNK` bytes at a time; raises PermanentError for encodings that were not asked for."""
    said = answer.headers.get("content-encoding", "").strip().lower()
    if said in ("", "identity"):
        yield from answer.iter_raw()  # as it arrives, so that whoever counts the time can
        return
    if said not in _NAMES:
        message = f"{where} answered in the encoding {said[:60]!r}, which was not asked for"
        raise PermanentError(message, code="bad-encoding", status=answer.status_code)
    try:
        yield from _inflated(answer.iter_raw(), said)
    except zlib.error as error:
        raise PermanentError(
            f"{where} answered what is no {said}: {error}", code="bad-encoding", status=answer.status_code
        ) from None


def _inflated(chunks: Iterator[bytes], said: str) -> Iterator[bytes]:
    """Unpack; a deflated body may lack its header (RFC 9110, 8.4.1.2), a gzipped one may have several members."""
    inflate = zlib.decompressobj(_NAMES[said])
    is_first = said == "deflate"
    for chunk in chunks:
        left = chunk
        while left:
            if inflate.eof:
                if said == "deflate":
                    return  # what comes behind the end says nothing
                inflate = zlib.decompressobj(_GZIP)
            try:
                part = inflate.decompress(left, CHUNK)
            except zlib.error:
                if not is_first:
                    raise
                inflate = zlib.decompressobj(-zlib.MAX_WBITS)
                part = inflate.decompress(left, CHUNK)
            is_first = False
            left = inflate.unconsumed_tail or inflate.unused_data
            if part:
                yield part
        while not inflate.eof and (part := inflate.decompress(b"", CHUNK)):
            yield part
    if not inflate.eof:
        raise zlib.error("it ends too early")
