"""Starting runs: over the API, where a client may wait for the end, and by webhook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

import anyio
from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from saltern_runtime.errors import IdempotencyConflictError
from saltern_runtime.models import Model
from saltern_runtime.store.views import TERMINAL, Started
from saltern_runtime.web.guards import Exchange, exchange
from saltern_runtime.web.models import PlainResponse, run_json
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
    delivery: bool = False
    """A signed webhook: its id alone names the delivery, so a known one leads to the first run whatever its body."""

    async def __call__(self, body: Model) -> Response:
        """Start the run: 202 at once, or 200 with the finished run where the client waits and it ends in time."""
        admitted = exchange(self.request)
        started = await anyio.to_thread.run_sync(self._start, admitted, body)
        url = run_url(self.request, admitted.backend.service.graph.name, started.run_id)
        finished = await self._finished(admitted, started) if self.wait is not None else None
        if finished is not None:
            return PlainResponse(finished, 200, {"Location": url, "Preference-Applied": f"wait={self.wait:.0f}"})
        return PlainResponse({"id": started.run_id, "created": started.fresh, "url": url}, 202, {"Location": url})

    def _start(self, admitted: Exchange, body: Model) -> Started:
        try:
            return admitted.backend.service.start(
                body.to_json(), tenant=admitted.caller.tenant, trigger=self.trigger, idempotency_key=self.key
            )
        except IdempotencyConflictError as conflict:
            if not self.delivery:
                raise
            return Started(conflict.run_id, fresh=False)

    async def _finished(self, admitted: Exchange, started: Started) -> dict[str, object] | None:
        limiter = admitted.backend.waiters
        if not limiter.available_tokens or not self.wait:
            return None
        run = await anyio.to_thread.run_sync(
            admitted.backend.service.wait, started.run_id, self.wait, abandon_on_cancel=True, limiter=limiter
        )
        return run_json(run) if run.state in TERMINAL else None


def run_url(request: Request, pipeline: str, run_id: str) -> str:
    """Return the path of a run, whatever prefix or mount the router stands under."""
    path = request.app.url_path_for(RUN_ROUTE.format(pipeline=pipeline), run_id=run_id)
    return str(request.scope.get("root_path", "")).rstrip("/") + str(path)


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
    keys = request.headers.getlist("idempotency-key")
    if idempotency_key is not None and (len(keys) > 1 or not _KEY.fullmatch(idempotency_key)):
        raise ProblemError(
            400, "bad-idempotency-key", "Idempotency-Key is one value of 1 to 255 visible ASCII characters"
        )
    return Starter(request, "api", idempotency_key, _wait(prefer and ",".join(request.headers.getlist("prefer"))))


def _by_webhook(request: Request) -> Starter:
    """Take the webhook-id of a signed delivery for the idempotency key; an unsigned one (a token admitted it) may send its own."""
    path = str(request.scope["route"].path_format)
    identity = exchange(request).caller.delivery
    if identity is None:
        starter = _by_api(request, request.headers.get("idempotency-key"))
        return Starter(request, f"webhook:{path}", starter.key, None)
    return Starter(request, f"webhook:{path}", identity, None, delivery=True)


def _wait(prefer: str | None) -> float | None:
    for preference in (prefer or "").split(","):
        match = _WAIT.fullmatch(preference)
        if match is not None:
            return min(float(match[1]), LONGEST_WAIT)
    return None


Start = Annotated[Starter, Depends(_by_api)]
Delivery = Annotated[Starter, Depends(_by_webhook)]
