"""Errors of the HTTP API as problem details (RFC 9457). They never repeat what was sent: input may be personal."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import TimeoutError as SlowReplyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from saltern_runtime.errors import (
    BrokenAssumptionError,
    IdempotencyConflictError,
    PayloadTooLargeError,
    RunDroppedError,
    StartError,
    TooManyRunsError,
    UnknownFileError,
    place,
    pointer,
    worded,
)
from saltern_runtime.store.files import FileTooLargeError
from saltern_runtime.store.store import StoreUnavailableError, StoreUnfitError

LOG = logging.getLogger(__name__)
MEDIA_TYPE: Final = "application/problem+json"
NO_RUN: Final = "no such run: it never was, belongs to another tenant, or its retention is over"
MOST_ERRORS: Final = 100
"""Findings that one 422 lists, at most."""


class Finding(BaseModel):
    """One thing that is wrong with a request."""

    detail: str
    pointer: str | None = Field(
        default=None, description="The place in the body, as a JSON Pointer fragment (RFC 6901)."
    )
    parameter: str | None = Field(default=None, description="The query, path or header parameter.")


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:saltern:problem:` and the code.")
    title: str
    status: int
    code: str = Field(description="A short stable word, such as `body-too-large`.")
    detail: str | None = None
    instance: str | None = Field(default=None, description="Names this occurrence in the service's log.")
    errors: list[Finding] | None = None


class ProblemError(HTTPException):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code
        self.more = more


def no_such_run() -> ProblemError:
    """Return the problem of a run that this tenant has not."""
    return ProblemError(404, "run-not-found", NO_RUN)


def no_such_cursor() -> ProblemError:
    """Return the problem of a cursor that leads nowhere."""
    return ProblemError(400, "bad-cursor", "the cursor is not one that a listing gave")


class ProblemResponse(JSONResponse):
    """A problem on its way out."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        content = {
            "type": f"urn:saltern:problem:{code}",
            "title": _title(status),
            "status": status,
            "code": code,
            "detail": detail,
        }
        super().__init__(content | dict(more or {}), status, {"Cache-Control": "no-store", **(headers or {})})


def respond(error: Exception) -> Response:
    """Turn any exception of a request into a problem; what nobody expected is logged under the problem's `instance`."""
    match error:
        case ProblemError():
            return ProblemResponse(error.status_code, error.code, error.detail, error.headers, error.more)
        case RequestValidationError():
            return _invalid(error.errors(), error.body)
        case HTTPException():
            return _http(error)
        case StartError() | FileTooLargeError():
            return _refused(error)
        case StoreUnavailableError() | LostConnectionError() | SlowReplyError():
            LOG.warning("the store cannot be reached: %s", error)
            return ProblemResponse(503, "store-unavailable", "the store cannot be reached", {"Retry-After": "1"})
        case StoreUnfitError():
            if not error.is_known:
                LOG.error("the store is unfit: %s", error)
            return ProblemResponse(503, "store-unfit", error.told)
        case ClientDisconnect():
            return ProblemResponse(400, "client-gone", "the connection ended before the body did")
        case _:
            return _unexpected(error)


def _refused(error: StartError | FileTooLargeError) -> Response:
    """Say why a run cannot be started, or a file not be stored."""
    match error:
        case IdempotencyConflictError():
            return ProblemResponse(422, error.code, str(error) or "the key was used with another body")
        case RunDroppedError():
            return ProblemResponse(409, error.code, str(error), more={"run": error.run_id})
        case PayloadTooLargeError():
            return ProblemResponse(413, error.code, str(error) or "the input is over the limit of stored values")
        case UnknownFileError():
            why = "no such file, or no longer, or of another size"
            findings = [{"detail": why, "pointer": f"#{at}"} for at in error.places]
            message = "the input names files that are not there"
            return ProblemResponse(422, error.code, message, more={"errors": findings})
        case BrokenAssumptionError():
            findings = [{"detail": why, "pointer": f"#{at}"} for at, why in error.findings]
            message = "the input is more than the pipeline's budget assumes"
            return ProblemResponse(422, error.code, message, more={"errors": findings})
        case TooManyRunsError():
            headers, figures = {"Retry-After": f"{error.retry_after:.0f}"}, {"open": error.open, "limit": error.cap}
            return ProblemResponse(429, error.code, str(error), headers, figures)
        case FileTooLargeError():
            return ProblemResponse(413, "file-too-large", str(error), {"Connection": "close"})
        case _:
            return ProblemResponse(422, error.code, str(error) or "the run cannot be started")


async def handle(_: Request, error: Exception) -> Response:
    """Answer as an app's exception handler does."""
    return respond(error)


def _http(error: HTTPException) -> Response:
    codes = {404: "not-found", 405: "method-not-allowed"}
    code = codes.get(error.status_code, _title(error.status_code).lower().replace(" ", "-"))
    detail = error.detail if isinstance(error.detail, str) else _title(error.status_code)
    return ProblemResponse(error.status_code, code, detail, error.headers)


def _invalid(errors: Sequence[Mapping[str, Any]], body: Any) -> Response:
    findings = [_finding(error, body) for error in errors[:MOST_ERRORS]]
    count = f"{len(errors)} things are" if len(errors) > 1 else "one thing is"
    return ProblemResponse(422, "invalid-request", f"{count} wrong with the request", more={"errors": findings})


def _finding(error: Mapping[str, Any], body: Any) -> dict[str, str]:
    where, *path = error["loc"]
    if where == "body":
        found = place(path, body, missing=error["type"] == "missing")
        return {"detail": worded(error), "pointer": "#" + pointer(found)}
    return {"detail": str(error["msg"])} | ({"parameter": str(path[0])} if path else {})


def _unexpected(error: Exception) -> Response:
    instance = uuid.uuid4().urn
    LOG.error("a request failed (%s)", instance, exc_info=error)
    return ProblemResponse(500, "internal", "the service failed; its log names the reason", more={"instance": instance})


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
