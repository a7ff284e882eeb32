"""One call of `http.request`: sent, followed where it is redirected, its answer read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import httpx

from saltern_runtime.connectors import http_client
from saltern_runtime.connectors.base import connection_of, idempotency_key, remaining, retry_after
from saltern_runtime.connectors.http import CONNECTOR, IDEMPOTENT, SAFE
from saltern_runtime.dataclass import dataclass
from saltern_runtime.errors import NodeError, PermanentError, TransientError
from saltern_runtime.models import plain
from saltern_runtime.nodes.http.bodies import BodyError, value_of
from saltern_runtime.nodes.http.received import kept
from saltern_runtime.nodes.http.sending import Body, Sent, files_of, request_of
from saltern_runtime.nodes.http.sending import sent as sent_with
from saltern_runtime.nodes.http.unpacking import ACCEPTED, unpacked
from saltern_runtime.observe import tracing
from saltern_runtime.observe.recorders import Call

if TYPE_CHECKING:
    from saltern_runtime.graph import Context

_FOLLOWS: Final = ("GET", "HEAD")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS: Final = 10
_TRAVELS: Final = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that go along to another host; any other may be a credential."""
_MAY_PASS: Final = frozenset({408, 425, 429})
_NOT_ACTED_ON: Final = frozenset({408, 425, 429, 503})
_CODES: Final = {
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    408: "timed-out",
    409: "conflict",
    429: "rate-limited",
}


def ask(
    ctx: Context,
    method: str,
    url: str,
    *,
    query: Mapping[str, object] | None,
    headers: Mapping[str, str] | None,
    body: Body,
    as_file: bool = False,
) -> Answer:
    """Send one request and return the answer; raises TransientError or PermanentError."""
    connection = connection_of(ctx, CONNECTOR) if ctx.connection is not None else None
    place, inside = http_client.target(connection, url), connection is not None
    try:
        sent = httpx.Headers(dict(headers or {}))
        if method not in SAFE:
            sent.setdefault("Idempotency-Key", idempotency_key(ctx))
        content = sent_with(ctx, body)
        place = _with_query(place, query)
        for _ in range(_MAX_REDIRECTS + 1):
            answer = _ask(ctx, _Call(method, place, sent, content, as_file), inside=inside)
            if not isinstance(answer, httpx.URL):
                return answer
            inside = inside and http_client.is_inside(connection, answer)
            if not http_client.is_same_host(place, answer):
                sent = httpx.Headers([(name, value) for name, value in sent.items() if name in _TRAVELS])
            place = answer
    except (ValueError, httpx.InvalidURL) as error:
        raise PermanentError(f"the request cannot be written: {error}", code="bad-request") from None
    raise PermanentError(
        f"{method} {place.host}: more than {_MAX_REDIRECTS} redirects", code="too-many-redirects", status=302
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class _Call:
    """What a pipeline asks, or what a redirect made of it."""

    method: str
    place: httpx.URL
    headers: httpx.Headers
    content: Sent
    as_file: bool


def _ask(ctx: Context, call: _Call, *, inside: bool) -> Answer | httpx.URL:
    """Send with what the connection adds inside of it; once more with a new token where the one that it had is refused."""
    if ctx.connection is None or not inside:
        return _send(ctx, call, http_client.Login())
    login = http_client.login(ctx, ctx.connection)
    try:
        return _send(ctx, call, login)
    except PermanentError as error:
        if error.status != 401 or not login.token:
            raise
    return _send(ctx, call, http_client.login(ctx, ctx.connection, refused=login.token))


def _with_query(url: httpx.URL, query: Mapping[str, object] | None) -> httpx.URL:
    given = {key: value for key, value in (query or {}).items() if value is not None}
    return url.copy_merge_params(plain(given)) if given else url


def _send(ctx: Context, call: _Call, login: http_client.Login) -> Answer | httpx.URL:
    """Return the answer, or where it leads. A trace holds no path and no query: keys may stand in them."""
    with tracing.calling(call.method, http_client.about(call.method, call.place)) as traced:
        return _answered(ctx, call, login, traced)


def _answered(ctx: Context, call: _Call, login: http_client.Login, traced: Call) -> Answer | httpx.URL:
    headers = httpx.Headers(call.headers)
    headers.update(login.headers)
    headers["Accept-Encoding"] = ACCEPTED
    for name, value in traced.headers().items():
        headers.setdefault(name, value)
    place = call.place.copy_merge_params(login.query) if login.query else call.place
    allowed = None if http_client.is_at(ctx.connection, place) else ctx.private_networks
    client = http_client.client(allowed)
    asked = request_of(client, call.method, place, headers, call.content, timeout=remaining(ctx))
    where = f"{asked.method} {asked.url.host}"
    again = asked.method in IDEMPOTENT
    answer = _begun(client, asked, where, again=again)
    traced.answered(answer.status_code)
    try:
        _refuse(answer, where, again=again)
        onward = _onward(answer)
        if onward is not None:
            return onward
        chunks = _chunks(ctx, answer, where)
        if call.as_file:
            return Answer(answer.status_code, dict(answer.headers), kept(answer, chunks, files_of(ctx)))
        content = _read(ctx, answer, chunks, where)
    except httpx.HTTPError as error:
        raise TransientError(
            f"{where}: the answer broke off ({error})", code="connection-lost", ambiguous=not again
        ) from error
    finally:
        answer.close()
    try:
        body = value_of(content, answer.headers.get("content-type", ""))
    except BodyError as error:
        raise PermanentError(f"{where} answered {error}", code=error.code, status=answer.status_code) from error
    return Answer(answer.status_code, dict(answer.headers), body)


def _begun(client: httpx.Client, asked: httpx.Request, where: str, *, again: bool) -> httpx.Response:
    """Return an answer whose body has not been read."""
    try:
        answer = client.send(asked, stream=True)
    except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise TransientError(f"{where}: no connection in time", code="timed-out") from error
    except httpx.ConnectError as error:
        raise TransientError(f"{where}: no connection ({error})", code="unreachable") from error
    except httpx.TimeoutException as error:
        raise TransientError(f"{where}: no answer in time", code="timed-out", ambiguous=not again) from error
    except UnicodeError as error:  # of a label that no name of a host may have
        raise PermanentError(f"{where}: this is no name of a host", code="bad-url") from error
    except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:
        raise PermanentError(f"{where}: the request cannot be sent: {error}", code="bad-request") from error
    except httpx.HTTPError as error:
        raise TransientError(
            f"{where}: the connection broke ({error})", code="connection-lost", ambiguous=not again
        ) from error
    if answer.extensions["location"] is not None:
        answer.headers["location"] = answer.extensions["location"]
    return answer


def _onward(answer: httpx.Response) -> httpx.URL | None:
    """Return where an answer redirects to, if it is to be followed; raises PermanentError where that is no URL to ask."""
    location = answer.headers.get("location", "")
    if answer.request.method not in _FOLLOWS or answer.status_code not in _REDIRECTS or not location:
        return None
    try:
        onward = answer.request.url.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise PermanentError(f"the redirect cannot be read: {error}", code="bad-url") from error
    return http_client.target(None, str(onward))


def _refuse(answer: httpx.Response, where: str, *, again: bool) -> None:
    status = answer.status_code
    if status < 400:
        return
    kind: type[NodeError] = TransientError if status in _MAY_PASS or status >= 500 else PermanentError
    raise kind(
        f"{where} answered {status}",
        code=_CODES.get(status, "server-error" if status >= 500 else "refused"),
        status=status,
        retry_after=retry_after(answer.headers.get("retry-after")),
        ambiguous=status >= 500 and status not in _NOT_ACTED_ON and not again,
    )


def _read(ctx: Context, answer: httpx.Response, chunks: Iterator[bytes], where: str) -> bytes:
    limit = ctx.max_payload
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > limit:
            raise PermanentError(
                f"{where} answered more than {limit} bytes", code="too-large", status=answer.status_code
            )
    return bytes(content)


def _chunks(ctx: Context, answer: httpx.Response, where: str) -> Iterator[bytes]:
    for chunk in unpacked(answer, where):
        yield chunk
        if time.monotonic() > ctx.deadline:
            raise TransientError(
                f"{where}: the answer was not complete in time", code="timed-out", status=answer.status_code
            )
