"""Answers from outside over HTTP: by a signed link, which a person or a program holds, or with a token."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

import anyio
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from saltern_runtime.errors import AnswerError
from saltern_runtime.spec import Json
from saltern_runtime.store.calls import Signalled
from saltern_runtime.web.guards import exchange
from saltern_runtime.web.models import PlainResponse, awaited_json
from saltern_runtime.web.problems import ProblemError
from saltern_runtime.web.requests import JsonRequest

_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class AnswerModel(BaseModel):
    """An answer to a node that waits."""

    path: str = Field(examples=["approve", "orders[3]/approve"], max_length=2000)
    answer: Any = Field(description='Of the node\'s type; of a decision: `{"decision": …, "comment"?, "fields"?}`.')


class TakenModel(BaseModel):
    """What became of an answer."""

    created: bool = Field(description="False where an earlier one had come: that one counts.")


async def see(request: Request) -> Response:
    """Show what is asked, to a person as a page. Nothing is decided by looking."""
    if "text/html" in request.headers.get("accept", ""):
        text = resources.files("saltern_runtime.web").joinpath("answer.html").read_text("utf-8")
        return HTMLResponse(
            text,
            headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"},
        )
    link = exchange(request).caller.link
    assert link is not None, "the guard admits links alone"
    service = exchange(request).backend.service
    found = await anyio.to_thread.run_sync(service.awaited, link.run, link.path)
    if found is None:
        raise _gone()
    return PlainResponse(awaited_json(found))


async def answer(request: Request) -> Response:
    """Take the answer that a link is for."""
    link = exchange(request).caller.link
    assert link is not None, "the guard admits links alone"
    assert isinstance(request, JsonRequest), "guarded routes are given one"
    request.require_json()
    return await give(request, link.run, link.path, await request.json())


async def give(request: Request, run: str, path: str, body: Json) -> Response:
    """Hand an answer to the service, and say what became of it."""
    service = exchange(request).backend.service
    try:
        signalled = await anyio.to_thread.run_sync(service.answer, run, path, body)
    except AnswerError as error:
        findings = [{"detail": why, "pointer": f"#{place}"} for place, why in error.findings]
        message = "the answer is not what this node takes"
        raise ProblemError(422, "answer-refused", message, errors=findings) from error
    return _said(signalled)


def _said(signalled: Signalled) -> Response:
    match signalled.status:
        case "ok":
            return PlainResponse({"created": True}, 202)
        case "known" if not signalled.decides:
            return PlainResponse({"created": False}, 200)
        case "known":
            first = json.loads(signalled.first)
            raise ProblemError(409, "decided-already", f"it was decided before: {first['decision']}", first=first)
        case "unasked":
            raise ProblemError(409, "not-asked-yet", "nobody is asked yet: the run has not come so far")
    raise _gone()


def _gone() -> ProblemError:
    return ProblemError(410, "not-awaited", "nothing waits for this answer any more")
