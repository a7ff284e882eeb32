"""`http.request`: ask a server.

A status of 4xx or 5xx is an error (408, 425, 429 and 5xx may pass). Redirects of GET and HEAD are followed, without what
belongs to the host that was asked; of other methods they are results. JSON comes back as its value, other text as a string, an empty
body as null. Requests that may change something
carry an `Idempotency-Key` that stays the same through retries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from saltern_runtime.connectors.http import IDEMPOTENT
from saltern_runtime.spec import (
    ANY,
    INT,
    STRING,
    Bound,
    Effect,
    LiteralType,
    MapType,
    NodeType,
    Param,
    Problem,
    obj,
    union,
)

if TYPE_CHECKING:
    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.http.results import HttpResponse

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def _effect(bound: Bound) -> Effect:
    return Effect.IDEMPOTENT if bound.literals.get("method", "GET") in IDEMPOTENT else Effect.EXTERNAL


def _check(bound: Bound) -> Iterator[Problem]:
    url = bound.literals.get("url")
    if isinstance(url, str):
        yield from _check_url(url)
    if "body" in bound.types and bound.literals.get("method", "GET") in ("GET", "HEAD"):
        method = bound.literals.get("method", "GET")
        yield Problem(
            "body", f"a {method} request carries no body", ("Name another `method`, such as POST, or drop `body`.",)
        )


def _check_url(url: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        yield Problem("url", f"the URL {url!r} cannot be read", (str(error),))
        return
    if parts.scheme and parts.scheme not in ("http", "https"):
        yield Problem("url", f"the URL's scheme is {parts.scheme}, not http or https")
    elif parts.scheme and not parts.hostname:
        yield Problem("url", f"the URL {url!r} names no host")
    elif parts.username or parts.password:
        yield Problem("url", "the URL holds credentials", ("They belong into a secret of a connection.",))


NODE: Final = NodeType(
    name="http.request",
    summary="Asks a server over HTTP.",
    params=(
        Param(
            "method",
            union(*(LiteralType(m) for m in METHODS)),
            required=False,
            default="GET",
            static=True,
            doc="The method.",
        ),
        Param("url", STRING, is_url=True, place="url", doc="Absolute, or a path under the connection's base URL."),
        Param(
            "query", MapType(ANY), required=False, doc="Query parameters; a null one is left out, a list is repeated."
        ),
        Param("headers", MapType(STRING), required=False, doc="Headers beside the connection's own."),
        Param("body", ANY, required=False, doc="Text is sent as it is, anything else as JSON."),
    ),
    result=obj({"status": INT, "headers": MapType(STRING), "body": ANY}),
    result_model="saltern_runtime.nodes.http:HttpResponse",
    effect=_effect,
    connector="http",
    connection_required=False,
    call="saltern_runtime.nodes.http:request",
    queue="io",
    requires=("http",),
    check=_check,
)


def request(
    ctx: Context,
    *,
    url: str,
    method: Method = "GET",
    query: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    body: object = None,
) -> HttpResponse:
    """Send one request and return the answer; raises TransientError or PermanentError."""
    from saltern_runtime.nodes.http.exchange import ask  # noqa: PLC0415 - reading the spec needs no SDK

    return ask(ctx, method, url, query=query, headers=headers, body=body)
