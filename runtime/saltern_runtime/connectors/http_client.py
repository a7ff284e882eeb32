"""What `http.request` asks with: a client for each process, the places that it may ask, what a connection adds."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import httpx

from saltern_runtime.connectors.base import PerProcess, members, secret, setting
from saltern_runtime.connectors.guarded import GuardedTransport
from saltern_runtime.connectors.http import CONNECTOR, PORTS
from saltern_runtime.connectors.oauth import access_token
from saltern_runtime.errors import PermanentError
from saltern_runtime.spec.networks import EVERYWHERE, NetworkList

if TYPE_CHECKING:
    from saltern_runtime.graph import Connection, Context

_SENDABLE: Final = re.compile(r"[\t\x20-\x7e]*")
_CLIENTS: Final[PerProcess[httpx.Client]] = PerProcess()


def client(allowed: NetworkList | None = None) -> httpx.Client:
    """Return this process's client: no redirects, no cookies kept from one run to the next.

    It connects to public addresses and those of the networks `allowed` alone; None: to any.
    """
    guarded = None if allowed == EVERYWHERE else allowed
    return _CLIENTS.get((guarded,), lambda: _make(guarded))


def _make(allowed: NetworkList | None) -> httpx.Client:
    logging.getLogger("httpx").addFilter(_without_query)
    nothing = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    # A client with a transport of its own asks no proxy, which would look names up once more.
    transport = None if allowed is None else GuardedTransport(allowed)
    return httpx.Client(
        follow_redirects=False, cookies=nothing, transport=transport, event_hooks={"response": [_take_location]}
    )


def _without_query(record: logging.LogRecord) -> bool:
    """Take queries out of what httpx logs of each request: keys may stand in them."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            re.sub(r"\?.*", "", str(each)) if hasattr(each, "raw_path") else each for each in record.args
        )
    return True


def _take_location(answer: httpx.Response) -> None:
    """Keep where an answer leads from httpx, which fails over a place that it cannot read though it is not to go there."""
    answer.extensions["location"] = answer.headers.pop("location", None)


def target(connection: Connection | None, url: str) -> httpx.URL:
    """Return the URL to ask; raises PermanentError where it cannot be asked, or leaves the connection."""
    try:
        asked = httpx.URL(url if connection is None or urlsplit(url).scheme else _under(str(_base(connection)), url))
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise PermanentError(f"the URL cannot be read: {error}", code="bad-url") from error
    if asked.scheme not in PORTS or not asked.host:
        raise PermanentError("the URL is no absolute http or https URL", code="bad-url")
    if asked.userinfo:
        raise PermanentError("the URL holds credentials; they belong into a connection's secret", code="bad-url")
    if connection is not None and not is_inside(connection, asked):
        base = _base(connection)
        raise PermanentError(
            f"the URL leaves the connection {connection.name!r} ({base.scheme}://{base.host})",
            code="url-leaves-connection",
        )
    return asked


@dataclass(frozen=True, slots=True)
class Login:
    """What a connection adds to each request under its base."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str = field(default="", repr=False)
    """Of its client credentials."""


def login(ctx: Context, connection: Connection, *, refused: str = "") -> Login:
    """Return what a connection adds, in the time that is left; a token that was `refused` is fetched anew."""
    headers = members(connection, CONNECTOR, "headers")
    basic, oauth = members(connection, CONNECTOR, "basic"), members(connection, CONNECTOR, "oauth2")
    token = access_token(ctx, client(), oauth, refused=refused) if oauth else ""
    if "token" in connection.secrets or token:
        headers["Authorization"] = f"Bearer {token or secret(connection, 'token')}"
    elif basic:
        pair = f"{basic['user']}:{basic['password']}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    for name, value in headers.items():
        if not _SENDABLE.fullmatch(value):
            setting_name = "token" if name == "Authorization" and "token" in connection.secrets else f"headers.{name}"
            message = f"`{setting_name}` of the connection {connection.name!r} holds what no header can"
            raise PermanentError(message, code="bad-secret")
    return Login(headers, members(connection, CONNECTOR, "query"), token)


def about(method: str, place: httpx.URL) -> dict[str, str | int]:
    """Return what a trace says of a request before it is sent: not its path and its query, in which keys may stand."""
    port = place.port or PORTS[place.scheme]
    return {"http.request.method": method, "server.address": place.host, "server.port": port}


def _base(connection: Connection) -> httpx.URL:
    return httpx.URL(setting(connection, CONNECTOR, "base_url"))


def _under(base: str, path: str) -> str:
    return f"{base.rstrip('/')}/{path}" if path and path[0] not in "/?" else f"{base.rstrip('/')}{path}"


def is_same_host(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two URLs lead to one server: the same scheme, host and port."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def is_at(connection: Connection | None, asked: httpx.URL) -> bool:
    """Whether a URL leads to the server of a connection."""
    return connection is not None and is_same_host(_base(connection), asked)


def is_inside(connection: Connection | None, asked: httpx.URL) -> bool:
    """Whether a URL lies under the base of a connection."""
    if connection is None or not is_at(connection, asked):
        return False
    base = _base(connection)
    raw = asked.raw_path.decode("ascii").partition("?")[0]
    # What stands behind a semicolon is no part of a segment's name to some servers.
    if any(part.partition(";")[0] in (".", "..") for part in unquote(raw).replace("\\", "/").split("/")):
        return False
    root = base.raw_path.decode("ascii").partition("?")[0].rstrip("/")
    return not root or raw == root or raw.startswith(f"{root}/")
