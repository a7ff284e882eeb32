"""What a server answered with, as a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, unquote_to_bytes

from saltern_runtime.files import OCTETS, clean_name

if TYPE_CHECKING:
    import httpx

    from saltern_runtime.files import File, Files

_ESSENCE: Final = re.compile(r"[!#$&^_.+\-a-z0-9]{1,100}/[!#$&^_.+\-a-z0-9]{1,100}")


def kept(answer: httpx.Response, chunks: Iterator[bytes], files: Files) -> File:
    """Store what comes as a file; raises PermanentError where it is too large, and what `chunks` raises."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return files.keep(chunks, name=_name(answer), media_type=kind if _ESSENCE.fullmatch(kind) else OCTETS)


def _name(answer: httpx.Response) -> str:
    """Return what the server calls it (RFC 6266), else the end of the path that was asked for."""
    header = Message()
    header["Content-Disposition"] = re.sub(r"[\r\n]", " ", answer.headers.get("content-disposition", "")) or "inline"
    wide = re.search(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", answer.headers.get("content-disposition", ""))
    if wide is not None and wide[1].lower() in ("utf-8", "iso-8859-1"):
        return clean_name(unquote_to_bytes(wide[2]).decode(wide[1], "replace"))
    return clean_name(header.get_filename() or unquote(answer.request.url.path.rpartition("/")[2]))
