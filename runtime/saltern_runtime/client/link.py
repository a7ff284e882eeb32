"""What both clients send with: where to, as whom, how long, and what httpx says put as our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Any, Final, Generic, TypeVar

import httpx
from pydantic import TypeAdapter

from saltern_runtime.client.answers import Answer
from saltern_runtime.client.calls import Call
from saltern_runtime.client.errors import ClientError, NotSalternError, UnreachableError
from saltern_runtime.client.following import SILENCE
from saltern_runtime.version import __version__

InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT")
T = TypeVar("T")
TIMEOUT: Final = 30.0
"""Seconds."""
_CONNECT: Final = 10.0
_TOKEN: Final = re.compile(r"[!-~]{1,4096}")
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class _Bearer(httpx.Auth):
    """Puts the token into each request; neither it nor its client shows it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    def __repr__(self) -> str:
        return "Bearer(***)"


class Linked(Generic[InputT, OutputT]):
    """What a client knows: the service, the token, the types."""

    def __init__(
        self,
        url: str,
        token: str,
        timeout: float,
        input: type[InputT] | None,
        output: type[OutputT] | None,
    ) -> None:
        self.url = _address(url)
        if not _TOKEN.fullmatch(token):
            raise ValueError("a token is visible ASCII characters, without spaces or line breaks around them")
        self._bearer = _Bearer(token)
        self._timeout = timeout
        self._input: TypeAdapter[InputT] | None = None if input is None else TypeAdapter(input)
        self._output: TypeAdapter[OutputT] | None = None if output is None else TypeAdapter(output)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    @property
    def _options(self) -> dict[str, Any]:
        """What an httpx client is made with."""
        headers = {"User-Agent": f"saltern/{__version__}", "Accept": "application/json"}
        return {
            "base_url": self.url,
            "auth": self._bearer,
            "headers": headers,
            "timeout": self._patience(self._timeout),
        }

    def _patience(self, read: float) -> httpx.Timeout:
        return httpx.Timeout(self._timeout, connect=min(_CONNECT, self._timeout), read=read)

    def _request(
        self, http: httpx.Client | httpx.AsyncClient, call: Call[Any], *, streams: bool = False
    ) -> httpx.Request:
        return http.build_request(
            call.method,
            call.path,
            params={name: list(value) if not isinstance(value, str) else value for name, value in call.query.items()},
            headers={**call.headers, **({"Content-Type": "application/json"} if call.has_body else {})},
            content=json.dumps(call.body, allow_nan=False) if call.has_body else None,
            timeout=self._patience(SILENCE if streams else self._timeout + call.waits),
        )

    def _checked(self, given: InputT) -> InputT:
        """Return an input that is of its type; raises ValueError, before anything is sent."""
        if self._input is not None:
            self._input.validate_python(given)
        return given

    def _failed(self, error: httpx.RequestError) -> ClientError:
        """Put what httpx says as an error of ours: its own one holds the request, and with it the token."""
        if isinstance(error, httpx.DecodingError):
            return NotSalternError(f"{self.url}: what it answered cannot be decoded")
        why = str(error) or type(error).__name__
        return UnreachableError(f"{self.url} does not answer: {why}", sent=not isinstance(error, _NEVER_SENT))


def answer_of(response: httpx.Response, body: bytes = b"") -> Answer:
    """Return what came back as a value of ours."""
    return Answer(response.status_code, {name.lower(): text for name, text in response.headers.items()}, body)


def read(call: Call[T], answer: Answer) -> T:
    """Read an answer as its call says; raises the error that it is."""
    error = answer.error()
    if error is not None:
        raise error
    return call.read(answer)


def _address(url: str) -> str:
    """Return a service's address without the slash at its end; raises ValueError."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.userinfo:
        raise ValueError("the URL of a service holds no user and no password: the token says who you are")
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment:
        raise ValueError(f"the URL of a service is like https://orders.example.com, and {url!r} is not")
    return url.rstrip("/")
