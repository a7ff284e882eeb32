"""What the OpenAPI document says of the routes."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from saltern_runtime.spec import Json
from saltern_runtime.web import answers
from saltern_runtime.web.problems import MEDIA_TYPE, Problem

Responses: TypeAlias = dict[int | str, dict[str, Any]]

BYTES: Final[Json] = {"type": "string", "format": "binary"}
SENT: Final[Responses] = {
    200: {"content": {"*/*": {"schema": BYTES}}, "description": "The bytes."},
    206: {"content": {"*/*": {"schema": BYTES}}, "description": "The range of them that `Range` asks for."},
    304: {"description": "They are those that `If-None-Match` names."},
}
TAKEN: Final[Responses] = {200: {"model": answers.TakenModel, "description": "It had come before."}}
SEEN: Final[Responses] = {200: {"content": {"text/html": {}}, "description": "To a person, a page."}}
EVENTS: Final = "Server-sent events; the data of each is a CloudEvent 1.0 in JSON. Ends after the terminal event."


def problems(*statuses: int) -> Responses:
    """Document problems with these statuses, and any other one."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"default": {"model": Problem, "content": content, "description": "A problem (RFC 9457)."}} | {
        status: {"content": content, "description": _DESCRIPTIONS[status]} for status in statuses
    }


_DESCRIPTIONS: Final = {
    400: "Malformed.",
    401: "No valid token or signature.",
    404: "No such run, or file.",
    408: "The body stalled.",
    409: "Not now: it was decided before, is not asked yet, or as many runs are under way as may be.",
    410: "Nothing waits for it any more.",
    413: "Too large.",
    415: "Not JSON.",
    416: "Not a range of the file.",
    422: "Not what this pipeline takes, or an idempotency key that came with another body.",
    429: "The tenant has as many open runs as it may; `Retry-After` says when to try again.",
    503: "The store cannot be reached.",
}
