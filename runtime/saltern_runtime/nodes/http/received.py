"""What a server answered with, as a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from saltern_runtime.disposition import filename_of
from saltern_runtime.files import ESSENCE, OCTETS, PARAMETERS, clean_name
from saltern_runtime.nodes.charsets import charset_in

if TYPE_CHECKING:
    import httpx

    from saltern_runtime.files import File, Files


def kept(answer: httpx.Response, chunks: Iterator[bytes], files: Files) -> File:
    """Store what comes as a file; raises PermanentError where it is too large, and what `chunks` raises."""
    return files.keep(chunks, name=_name(answer), media_type=_media_type(answer.headers.get("content-type", "")))


def _media_type(said: str) -> str:
    """Return what a header says, as a file may have it: with its parameters, else with its charset, which says how it is read."""
    kind, _, more = said.partition(";")
    essence = kind.strip().lower()
    if not re.fullmatch(ESSENCE, essence):
        return OCTETS
    charset = charset_in(said)
    kept = (more.strip().replace("\t", " "), f"charset={charset}" if charset else "")
    return next((f"{essence}; {each}" for each in kept if re.fullmatch(PARAMETERS, each)), essence)


def _name(answer: httpx.Response) -> str:
    """Return what the server calls it (RFC 6266), else the end of the path that was asked for."""
    named = filename_of(answer.headers.get("content-disposition", ""))
    return clean_name(named or unquote(answer.request.url.path.rpartition("/")[2]))
