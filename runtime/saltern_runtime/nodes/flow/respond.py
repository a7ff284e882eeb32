"""`respond`: answer the request that started the run, and go on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from saltern_runtime.errors import PermanentError
from saltern_runtime.spec import ANY, INT, STRING, Bound, Effect, MapType, NodeType, Param, Problem, obj

if TYPE_CHECKING:
    from saltern_runtime.graph import Context
    from saltern_runtime.nodes.flow.results import HttpAnswer

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_TEXT: Final = re.compile(r"[!-~\u00a0-\u00ff]?[\t -~\u00a0-\u00ff]{0,4000}")
_OURS: Final = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that belong to the server."""
_STATUS: Final = "A status is a number from 200 to 599."


def _check(bound: Bound) -> Iterator[Problem]:
    status = bound.literals.get("status", 200)
    if isinstance(status, int) and not 200 <= status <= 599:
        yield Problem("status", f"{status} is no status that an answer can have", (_STATUS,))
    headers = bound.literals.get("headers")
    for name, text in headers.items() if isinstance(headers, dict) else ():
        if (why := _wrong(name, text)) is not None:
            yield Problem("headers", f"the header `{name[:60]}` {why}")


def _wrong(name: str, text: object) -> str | None:
    if not _NAME.fullmatch(name):
        return "has a name that no header can have"
    if name.lower() in _OURS:
        return "is the server's own"
    if isinstance(text, str) and not _TEXT.fullmatch(text):
        return "has a value that no header can have"
    return None


NODE: Final = NodeType(
    name="respond",
    summary="Answers the webhook that started the run; the run goes on.",
    params=(
        Param("status", INT, required=False, default=200, doc="The status of the answer."),
        Param("headers", MapType(STRING), required=False, doc="Headers of the answer."),
        Param("body", ANY, required=False, doc="JSON; with a `Content-Type` that is not JSON, a text as it is."),
    ),
    result=obj({"status": INT, "headers": MapType(STRING), "body": ANY}),
    result_model="saltern_runtime.nodes.flow.results:HttpAnswer",
    effect=Effect.IDEMPOTENT,
    responds=True,
    call="saltern_runtime.nodes.flow:respond",
    check=_check,
)


def respond(
    ctx: Context,  # noqa: ARG001 - every callable takes it
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
) -> HttpAnswer:
    """Give the answer; raises PermanentError for one that HTTP has not."""
    from saltern_runtime.nodes.flow.results import HttpAnswer  # noqa: PLC0415 - reading the spec needs no pydantic

    if not 200 <= status <= 599:
        raise PermanentError(f"{status} is no status that an answer can have", code="bad-status")
    for name, text in (headers or {}).items():
        if (why := _wrong(name, text)) is not None:
            raise PermanentError(f"the header {name[:60]!r} {why}", code="bad-header")
    return HttpAnswer(status=status, headers=dict(headers or {}), body=body)
