"""`http`: one server under a base URL, with its token and headers, or whatever else its secrets are sent as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from saltern_runtime.spec import (
    STRING,
    ConnectorSpec,
    Field,
    Json,
    LiteralType,
    MapType,
    Param,
    Policy,
    Retry,
    obj,
    union,
)

PORTS: Final = {"http": 80, "https": 443}
"""Of the schemes that can be asked."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
IDEMPOTENT: Final = SAFE | {"PUT", "DELETE"}
"""Methods, as RFC 9110 has them."""


def host_and_port(url: object) -> tuple[str, ...]:
    """Return the `host:port` that a literal URL leads to, as a tuple of one; empty where it cannot be read."""
    if not isinstance(url, str):
        return ()
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return ()
    return (f"{parts.hostname}:{port}",) if parts.hostname and port else ()


def _egress(settings: Mapping[str, Json]) -> tuple[str, ...]:
    oauth = settings.get("oauth2")
    return host_and_port(settings.get("base_url")) + host_and_port(oauth and oauth.get("token_url"))


_OAUTH2: Final = obj(
    {
        "token_url": STRING,
        "client_id": STRING,
        "client_secret": STRING,
        "scope": Field("scope", STRING, required=False),
        "audience": Field("audience", STRING, required=False),
        "client_auth": Field("client_auth", union(LiteralType("header"), LiteralType("body")), required=False),
    }
)
_OAUTH2_DOC: Final = (
    "Client credentials: a token is fetched at `token_url`, kept until it ends, and fetched once more after a 401. The client "
    'says who it is in a header, or in the form (`client_auth: "body"`).'
)

CONNECTOR: Final = ConnectorSpec(
    name="http",
    summary="A server that speaks HTTP: requests stay under its base URL, and its token goes nowhere else.",
    settings=(
        Param("base_url", STRING, static=True, doc="`https://api.example.com/v1`; a node's `url` is a path under it."),
        Param("token", STRING, required=False, secret=True, doc="Sent as `Authorization: Bearer …`."),
        Param("headers", MapType(STRING), required=False, secrets=(), doc="Sent with every request."),
        Param("query", MapType(STRING), required=False, secrets=(), doc="Added to the URL of every request."),
        Param(
            "basic",
            obj({"user": STRING, "password": STRING}),
            required=False,
            secrets=("password",),
            doc="Sent as `Authorization: Basic …`.",
        ),
        Param("oauth2", _OAUTH2, required=False, secrets=("client_secret",), doc=_OAUTH2_DOC),
    ),
    exclusive=("token", "basic", "oauth2"),
    policy=Policy(timeout=30.0, retry=Retry(attempts=4, base=1.0, cap=60.0)),
    egress=_egress,
)
