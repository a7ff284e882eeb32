"""Starting runs: over the API, where a client may wait for the end, and by webhook."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import anyio
from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from saltern_runtime.errors import IdempotencyConflictError, RunDroppedError, UnknownFileError, pointer
from saltern_runtime.files import placed
from saltern_runtime.models import Model
from saltern_runtime.observe import tracing
from saltern_runtime.store.views import TERMINAL, RunState, RunView, Started
from saltern_runtime.web.guards import Exchange, exchange
from saltern_runtime.web.models import PlainResponse, dump, run_json
from saltern_runtime.web.problems import ProblemError

LONGEST_WAIT: Final = 60.0
"""Seconds for which a request may wait for its run; a longer wish is cut down to it (RFC 7240 allows that)."""
RUN_ROUTE: Final = "{pipeline}.run"
_WAIT: Final = re.compile(r'\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?:;.*)?', re.IGNORECASE)
_KEY: Final = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts a run on behalf of one request; `await start(body)` gives the answer."""

    request: Request
    trigger: str
    key: str | None
    wait: float | None
    respond: float = 0.0
    """Seconds for which the run may answer the request itself."""
    delivery: bool = False
    """A delivery with an id: this alone names the delivery, so a known one leads to the first run whatever its body."""

    async def __call__(self, body: Model) -> Response:
        """Start the run: 202 at once, or 200 with the finished run where the client waits and it ends in time."""
        admitted = exchange(self.request)
        started = await anyio.to_thread.run_sync(self._start, admitted, body)
        tracing.note({"saltern.run": started.run_id})
        url = run_url(self.request, admitted.backend.service.graph.name, started.run_id)
        answered = await self._answered(admitted, started, url) if self.respond and not started.dropped else None
        if answered is not None:
            return answered
        finished = await self._finished(admitted, started) if self.wait is not None else None
        if finished is not None:
            return PlainResponse(finished, 200, {"Location": url, "Preference-Applied": f"wait={self.wait:.0f}"})
        return PlainResponse({"id": started.run_id, "created": started.fresh, "url": url}, 202, {"Location": url})

    def _start(self, admitted: Exchange, body: Model) -> Started:
        if self.trigger != "api":
            self._refuse_foreign(body)
        try:
            return admitted.backend.service.start(
                body, tenant=admitted.caller.tenant, trigger=self.trigger, idempotency_key=self.key
            )
        except IdempotencyConflictError as conflict:
            if not self.delivery:
                raise
            return Started(conflict.run_id, fresh=False)
        except RunDroppedError as dropped:
            if self.trigger == "api":
                raise
            return Started(dropped.run_id, fresh=False, dropped=True)

    def _refuse_foreign(self, body: Model) -> None:
        """Let a webhook name no files but those that came with it: whoever calls it may be anyone, and its tenant has others."""
        own: frozenset[str] = getattr(self.request.state, "stored", frozenset())
        foreign = [at for at, file in placed(body) if file.content is None and file.sha256 not in own]
        if foreign:
            raise UnknownFileError([pointer(at) for at in foreign])

    async def _answered(self, admitted: Exchange, started: Started, url: str) -> Response | None:
        """Give what the run responds, or returns, in time."""
        limiter = admitted.backend.waiters
        if not limiter.available_tokens:
            return None
        service = admitted.backend.service
        text, run = await anyio.to_thread.run_sync(
            service.response, started.run_id, self.respond, abandon_on_cancel=True, limiter=limiter
        )
        if text is not None:
            return written(json.loads(text), url)
        if run is None:
            return None
        if run.state != RunState.SUCCEEDED:
            raise ProblemError(500, "run-failed", "the run ended without an answer", headers={"Location": url})
        return PlainResponse(run.output, 200, {"Location": url})

    async def _finished(self, admitted: Exchange, started: Started) -> dict[str, object] | None:
        if not self.wait:
            return None
        run = await waited_for(admitted, started.run_id, self.wait)
        if run is None or run.state not in TERMINAL:
            return None
        return run_json(run, admitted.backend.service.graph.hidden(run.pipeline))


async def waited_for(admitted: Exchange, run_id: str, seconds: float) -> RunView | None:
    """Return a run once it is over, or as it is after so many seconds; None at once where too many wait already."""
    limiter = admitted.backend.waiters
    if not limiter.available_tokens:
        return None
    return await anyio.to_thread.run_sync(
        admitted.backend.service.wait, run_id, seconds, abandon_on_cancel=True, limiter=limiter
    )


def written(answer: Mapping[str, Any], url: str) -> Response:
    """Write what a `respond` says as HTTP: a text as it is where its media type is not JSON, all else as JSON."""
    headers = {"Cache-Control": "no-store", "Location": url} | dict(answer["headers"])
    kind = next((text for name, text in headers.items() if name.lower() == "content-type"), "")
    body = answer["body"]
    if body is None:
        return Response(None, answer["status"], headers)
    if isinstance(body, str) and kind and "json" not in kind.lower():
        return Response(body.encode("utf-8", "replace"), answer["status"], headers)
    response = Response(dump(body), answer["status"], headers)
    response.headers.setdefault("Content-Type", "application/json")
    return response


def run_url(request: Request, pipeline: str, run_id: str) -> str:
    """Return the path of a run, whatever prefix or mount the router stands under."""
    path = request.app.url_path_for(RUN_ROUTE.format(pipeline=pipeline), run_id=run_id)
    return str(request.scope.get("root_path", "")).rstrip("/") + str(path)


def key_of(request: Request, given: str | None) -> str | None:
    """Return a request's idempotency key, if any; raises ProblemError for what can be none."""
    if given is not None and (len(request.headers.getlist("idempotency-key")) > 1 or not _KEY.fullmatch(given)):
        raise ProblemError(
            400, "bad-idempotency-key", "Idempotency-Key is one value of 1 to 255 visible ASCII characters"
        )
    return given


def _by_api(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(description="Makes repeats safe: the same key answers with the first run; with another body, 422."),
    ] = None,
    prefer: Annotated[
        str | None, Header(description="`wait=10` waits up to ten seconds for the end of the run (RFC 7240).")
    ] = None,
) -> Starter:
    return Starter(
        request, "api", key_of(request, idempotency_key), wished(prefer and ",".join(request.headers.getlist("prefer")))
    )


def _by_webhook(request: Request) -> Starter:
    """Take what the vendor calls a delivery for the idempotency key; one without such a name may send a key of its own."""
    path = str(request.scope["route"].path_format)
    identity = exchange(request).caller.delivery
    if identity is None:
        starter = _by_api(request, request.headers.get("idempotency-key"))
        return Starter(request, f"webhook:{path}", starter.key, None, _respond(request))
    return Starter(request, f"webhook:{path}", identity, None, _respond(request), delivery=True)


def _respond(request: Request) -> float:
    return float(getattr(request.scope["route"], "respond", 0.0))


def wished(prefer: str | None) -> float | None:
    """Read for how many seconds a request wishes to wait; None where it does not say."""
    for preference in (prefer or "").split(","):
        match = _WAIT.fullmatch(preference)
        if match is not None:
            return min(float(match[1]), LONGEST_WAIT)
    return None


Start = Annotated[Starter, Depends(_by_api)]
Delivery = Annotated[Starter, Depends(_by_webhook)]
