"""`http.request`: ask a server.

A status of 4xx or 5xx is an error (408, 425, 429 and 5xx may pass). Redirects of GET and HEAD are followed, without what
belongs to the host that was asked; of other methods they are results. JSON comes back as its value, other text as a string, an empty
body as null, and with `as: "file"` whatever it is as a file. Requests that may change something carry an `Idempotency-Key` that stays
the same through retries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload
from urllib.parse import urlsplit

from saltern_runtime.connectors.http import IDEMPOTENT, SAFE
from saltern_runtime.spec import (
    ANY,
    FILE,
    INT,
    STRING,
    Bound,
    Effect,
    LiteralType,
    MapType,
    NodeType,
    ObjectType,
    Param,
    Problem,
    Type,
    obj,
    show,
    union,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from saltern_runtime.files import File
    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.http.results import HttpResponse

M = TypeVar("M", bound="BaseModel")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def _effect(bound: Bound) -> Effect:
    method = bound.literals.get("method", "GET")
    if method in SAFE:
        return Effect.READ
    return Effect.IDEMPOTENT if method in IDEMPOTENT else Effect.EXTERNAL


def _result(bound: Bound) -> Type:
    body = FILE if bound.literals.get("as") == "file" else ANY
    return obj({"status": INT, "headers": MapType(STRING), "body": body})


def _check(bound: Bound) -> Iterator[Problem]:
    url = bound.literals.get("url")
    if isinstance(url, str):
        yield from _check_url(url)
    method = bound.literals.get("method", "GET")
    for name in ("body", "file", "files"):
        if name in bound.types and method in ("GET", "HEAD"):
            notes = (f"Name another `method`, such as POST, or drop `{name}`.",)
            yield Problem(name, f"a {method} request carries no body", notes)
    others = [name for name in ("body", "files") if name in bound.types]
    if "file" in bound.types and others:
        note = "Send several files, or a file with other fields, as `files`, which makes a form (multipart)."
        yield Problem("file", f"a file is a whole body: there is `{others[0]}` beside it", (note,))
    body = bound.types.get("body", ANY)
    if "files" in bound.types and not isinstance(body, ObjectType | MapType) and body != ANY:
        notes = ("The form's other fields are its fields: `body: { purpose: … }`.",)
        yield Problem("body", f"beside `files`, the body is an object, not {show(body)}", notes)


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
        Param(
            "url",
            STRING,
            is_url=True,
            place="url",
            shown=True,
            doc="Absolute, or a path under the connection's base URL.",
        ),
        Param(
            "query", MapType(ANY), required=False, doc="Query parameters; a null one is left out, a list is repeated."
        ),
        Param("headers", MapType(STRING), required=False, doc="Headers beside the connection's own."),
        Param("body", ANY, required=False, doc="Text is sent as it is, anything else as JSON."),
        Param("file", FILE, required=False, doc="A file that is the body."),
        Param(
            "files",
            MapType(FILE),
            required=False,
            doc="Files of a form (multipart/form-data) by name; its other fields are those of `body`.",
        ),
        Param(
            "as",
            union(LiteralType("value"), LiteralType("file")),
            required=False,
            default="value",
            static=True,
            passed=False,
            doc="`file`: the answer's body is stored as a file, whatever it is.",
        ),
    ),
    result=_result,
    result_model="saltern_runtime.nodes.http:HttpResponse",
    result_param="as_file",
    bare=("status",),
    effect=_effect,
    connector="http",
    connection_required=False,
    call="saltern_runtime.nodes.http:request",
    queue="io",
    requires=("http",),
    check=_check,
)


@overload
def request(
    ctx: Context,
    *,
    url: str,
    method: Method = ...,
    query: Mapping[str, object] | None = ...,
    headers: Mapping[str, str] | None = ...,
    body: object = ...,
    file: File | None = ...,
    files: Mapping[str, File] | None = ...,
    as_file: type[M],
) -> M: ...


@overload
def request(
    ctx: Context,
    *,
    url: str,
    method: Method = ...,
    query: Mapping[str, object] | None = ...,
    headers: Mapping[str, str] | None = ...,
    body: object = ...,
    file: File | None = ...,
    files: Mapping[str, File] | None = ...,
    as_file: None = ...,
) -> HttpResponse: ...


def request(
    ctx: Context,
    *,
    url: str,
    method: Method = "GET",
    query: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    file: File | None = None,
    files: Mapping[str, File] | None = None,
    as_file: Any = None,
) -> Any:
    """Send one request and return the answer; raises TransientError or PermanentError.

    `as_file` is the class of an answer whose body is stored as a file: `status`, `headers` and `body`.
    """
    from saltern_runtime.nodes.http.exchange import ask  # noqa: PLC0415 - reading the spec needs no SDK
    from saltern_runtime.nodes.http.results import HttpResponse  # noqa: PLC0415 - reading the spec needs no pydantic
    from saltern_runtime.nodes.http.sending import Body  # noqa: PLC0415 - reading the spec needs no SDK

    answer = ask(
        ctx, method, url, query=query, headers=headers, body=Body(body, file, files or {}), as_file=as_file is not None
    )
    return (as_file or HttpResponse)(status=answer.status, headers=answer.headers, body=answer.body)
