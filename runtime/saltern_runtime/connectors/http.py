"""`http`: one server under a base URL, with its token and headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from saltern_runtime.connectors.base import PerProcess, secret, setting
from saltern_runtime.errors import PermanentError
from saltern_runtime.spec import STRING, ConnectorSpec, Json, MapType, Param, Policy, Retry
from saltern_runtime.spec.networks import EVERYWHERE, NetworkList

if TYPE_CHECKING:
    import httpx

    from saltern_runtime.graph import Connection

_PORTS: Final = {"http": 80, "https": 443}


def host_and_port(url: object) -> tuple[str, ...]:
    """Return the `host:port` that a literal URL leads to, as a tuple of one; empty where it cannot be read."""
    if not isinstance(url, str):
        return ()
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ()
    return (f"{parts.hostname}:{port}",) if parts.hostname and port else ()


def _egress(settings: Mapping[str, Json]) -> tuple[str, ...]:
    return host_and_port(settings.get("base_url"))


CONNECTOR: Final = ConnectorSpec(
    name="http",
    summary="A server that speaks HTTP: requests stay under its base URL, and its token goes nowhere else.",
    settings=(
        Param("base_url", STRING, static=True, doc="`https://api.example.com/v1`; a node's `url` is a path under it."),
        Param("token", STRING, required=False, secret=True, doc="Sent as `Authorization: Bearer …`."),
        Param("headers", MapType(STRING), required=False, doc="Sent with every request."),
    ),
    policy=Policy(timeout=30.0, retry=Retry(attempts=4, base=1.0, cap=60.0)),
    egress=_egress,
)

_CLIENTS: Final[PerProcess[httpx.Client]] = PerProcess()


def client(allowed: NetworkList | None = None) -> httpx.Client:
    """Return this process's client: no redirects, no cookies kept from one run to the next.

    It connects to public addresses and those of the networks `allowed` alone; None: to any.
    """
    guarded = None if allowed == EVERYWHERE else allowed
    return _CLIENTS.get((guarded,), lambda: _make(guarded))


def _make(allowed: NetworkList | None) -> httpx.Client:
    import http.cookiejar  # noqa: PLC0415 - it brings half of the standard library

    import httpx  # noqa: PLC0415 - reading the spec needs no SDK

    from saltern_runtime.connectors.guarded import GuardedTransport  # noqa: PLC0415 - as above

    nothing = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=()))
    # A client with a transport of its own asks no proxy, which would look names up once more.
    transport = None if allowed is None else GuardedTransport(allowed)
    return httpx.Client(
        follow_redirects=False, cookies=nothing, transport=transport, event_hooks={"response": [_take_location]}
    )


def _take_location(answer: httpx.Response) -> None:
    """Keep where an answer leads from httpx, which fails over a place that it cannot read though it is not to go there."""
    answer.extensions["location"] = answer.headers.pop("location", None)


def target(connection: Connection | None, url: str) -> httpx.URL:
    """Return the URL to ask; raises PermanentError where it cannot be asked, or leaves the connection."""
    import httpx  # noqa: PLC0415 - reading the spec needs no SDK

    try:
        asked = httpx.URL(url if connection is None or urlsplit(url).scheme else _under(str(_base(connection)), url))
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise PermanentError(f"the URL cannot be read: {error}", code="bad-url") from error
    if asked.scheme not in _PORTS or not asked.host:
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


def own_headers(connection: Connection | None) -> dict[str, str]:
    """Return the headers of a connection, with its token."""
    if connection is None:
        return {}
    headers = dict(setting(connection, CONNECTOR, "headers") or {})
    if "token" in connection.secrets:
        headers["Authorization"] = f"Bearer {secret(connection, 'token')}"
    return headers


def _base(connection: Connection) -> httpx.URL:
    import httpx  # noqa: PLC0415 - reading the spec needs no SDK

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
    if {".", ".."} & set(unquote(raw).replace("\\", "/").split("/")):
        return False
    root = base.raw_path.decode("ascii").partition("?")[0].rstrip("/")
    return not root or raw == root or raw.startswith(f"{root}/")
