"""Reading what a client sends: no more than the limit, and only what is plain JSON."""

from __future__ import annotations

import contextlib
import json
from contextlib import aclosing
from email.message import Message as Header
from typing import Final

import anyio
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from saltern_runtime.disposition import LONGEST
from saltern_runtime.jsontext import JsonTextError, read_json
from saltern_runtime.spec import Json
from saltern_runtime.web.problems import ProblemError

DISCARD: Final = 32 * 1_048_576
"""Bytes beyond the limit that are read and thrown away, so that a client that is still sending gets to read the answer."""
DISCARD_SECONDS: Final = 3.0


class JsonRequest(Request):
    """A request whose body is limited while it streams in, and whose JSON every store and program can hold."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        super().__init__(scope, receive)
        self._limit = limit
        self._has_begun = self._is_over = False

        async def noting() -> Message:
            self._has_begun = True
            message = await receive()
            self._is_over = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        self._receive = noting

    async def body(self) -> bytes:
        """Return the body; 413 as soon as it is over the limit, whatever Content-Length says."""
        if not hasattr(self, "_body"):
            self._body = await self._read()
        return self._body

    async def json(self) -> Json:
        """Return the body's JSON; 400 where it is malformed, too deep or holds what JSON cannot carry on."""
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json

    def has_body(self) -> bool:
        """Tell whether anything was sent."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    def media_type(self) -> str:
        """Return what the body is said to be, in small letters."""
        return self._content_type().get_content_type()

    def charset(self) -> str:
        """Return the charset that the body is said to be in, in small letters."""
        return str(self._content_type().get_param("charset", "utf-8")).lower()

    def boundary(self) -> str:
        """Return what the parts of the body are said to be parted by; empty where nothing is said."""
        return self._content_type().get_boundary("")

    def require_json(self, *, or_else: str = "") -> None:
        """Stop with 415 unless the body is said to be JSON in UTF-8 and not compressed; `or_else` names what else is read."""
        kind = self.media_type()
        if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
            raise ProblemError(
                415,
                "unsupported-media-type",
                f"the body is JSON: send it as application/json{or_else}",
                headers={"Accept": "application/json"},
            )
        self.require_plain()

    def require_plain(self) -> None:
        """Stop with 415 unless the body is said to be in UTF-8 and not compressed."""
        if self.charset() not in ("utf-8", "utf8", "us-ascii"):
            raise ProblemError(415, "unsupported-charset", "bodies are UTF-8")
        self.require_uncompressed()

    def require_uncompressed(self) -> None:
        """Stop with 415 unless the body is said to be as it is."""
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise ProblemError(
                415, "unsupported-encoding", "compressed bodies are not read", headers={"Accept-Encoding": "identity"}
            )

    def stand_in(self, value: Json) -> None:
        """Put JSON in place of the body that came."""
        self._json = value
        self._body = json.dumps(value).encode()
        rest = [(name, text) for name, text in self.scope["headers"] if name != b"content-type"]
        self.scope["headers"] = [*rest, (b"content-type", b"application/json")]
        del self._headers

    def _content_type(self) -> Header:
        said = self.headers.get("content-type") or "application/octet-stream"
        if len(said) <= LONGEST:
            message = Header()
            message["content-type"] = said
            with contextlib.suppress(ValueError):  # a number that no part of a parameter has
                message.get_params()
                return message
        raise ProblemError(400, "bad-media-type", "the Content-Type cannot be read")

    async def _read(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async with aclosing(self.stream()) as stream:
            async for chunk in stream:
                size += len(chunk)
                if size > self._limit:
                    chunks.clear()
                    break
                chunks.append(chunk)
        if size > self._limit:
            await self.discard()
            raise ProblemError(
                413,
                "body-too-large",
                f"the body is larger than {self._limit} bytes",
                headers={"Connection": "close"},
                limit=self._limit,
            )
        return b"".join(chunks)

    async def discard(self) -> None:
        """Throw away what is still coming, for a while; a client that waits to be told to send is not told."""
        waits = not self._has_begun and self.headers.get("expect", "").lower() == "100-continue"
        if self._is_over or waits:
            return
        rest = DISCARD
        with anyio.move_on_after(DISCARD_SECONDS):
            while rest > 0:
                message = await self._receive()
                rest -= len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return


def parse(body: bytes) -> Json:
    """Read JSON; raises a 400 problem."""
    try:
        return read_json(body)
    except JsonTextError as error:
        raise ProblemError(400, error.code, f"the body {error}") from error
