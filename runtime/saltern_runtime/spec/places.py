"""Where large values and files lie, as operators write it."""

from __future__ import annotations

import re
from typing import Final, Literal, Self
from urllib.parse import unquote, urlsplit

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_HOW: Final = "leave it empty for Redis, or write file:///a/folder or s3://BUCKET/PREFIX"


class PlaceError(ValueError):
    """A text names no place; says what to write. The text itself is not repeated: it may hold a key."""


class PayloadPlace(str):
    """`redis` or empty: in the same Redis; `file:///a/folder`; `s3://bucket/prefix`."""

    __slots__ = ("bucket", "folder", "kind", "prefix")
    kind: Literal["redis", "file", "s3"]
    folder: str
    """Absolute; of `file` alone."""
    bucket: str
    prefix: str
    """Without slashes around it, may be empty; of `s3` alone, as `bucket` is."""

    def __new__(cls, text: str = "") -> Self:
        """Read it; raises PlaceError."""
        place = super().__new__(cls, text.strip())
        place.folder = place.bucket = place.prefix = ""
        if place in {"", "redis"}:
            place.kind = "redis"
            return place
        try:
            url = urlsplit(place)
        except ValueError:
            raise PlaceError(f"it is no URL: {_HOW}") from None
        if url.query or url.fragment:
            raise PlaceError("nothing may stand behind the path, no `?` and no `#`")
        if url.scheme == "file":
            place.kind, place.folder = "file", _folder(url.netloc, unquote(url.path))
        elif url.scheme == "s3":
            place.kind, place.bucket, place.prefix = "s3", _bucket(url.netloc), _prefix(url.path)
        else:
            raise PlaceError(f"it names no place that is known: {_HOW}")
        return place


def _folder(host: str, path: str) -> str:
    if host not in {"", "localhost"}:
        raise PlaceError("a folder is written with three slashes and from the root: file:///var/lib/saltern/payloads")
    parts = [part for part in path.split("/") if part]
    if not path.startswith("/") or not parts or {".", ".."} & {*parts} or "\0" in path:
        raise PlaceError("a folder needs a path from the root, without `.` and `..`: file:///var/lib/saltern/payloads")
    return "/" + "/".join(parts)


def _bucket(name: str) -> str:
    if "@" in name or ":" in name:
        raise PlaceError("only a bucket's name stands behind s3://; keys and endpoint belong in AWS_ACCESS_KEY_ID, "
                         "AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL")  # fmt: skip
    if not _BUCKET.fullmatch(name):
        raise PlaceError("a bucket's name has to stand behind s3://, as in s3://BUCKET/PREFIX")
    return name


def _prefix(path: str) -> str:
    parts = path.strip("/").split("/") if path.strip("/") else []
    if {"", ".", ".."} & {*parts} or not all(re.fullmatch(r"[A-Za-z0-9!_.*'()=-]+", part) for part in parts):
        raise PlaceError("a prefix is made of letters, digits and -_.!*'()= with single slashes between them")
    return "/".join(parts)


IN_REDIS: Final = PayloadPlace()
