"""The routes of runs: what each does with a request that was admitted."""

import re
from contextlib import suppress
from functools import partial
from typing import Annotated, Final

import anyio
from fastapi import Body, Header, Query
from pydantic import AwareDatetime
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from saltern_runtime.store.views import TERMINAL, RunState, RunView, WantedRuns
from saltern_runtime.web import answers, migrating, operating, sse
from saltern_runtime.web.guards import exchange
from saltern_runtime.web.models import CancelReason, PlainResponse, page_json, run_json
from saltern_runtime.web.problems import ProblemError, no_such_cursor, no_such_run
from saltern_runtime.web.start import key_of, run_url, waited_for, wished

_RUN_ID: Final = re.compile(r"[A-Za-z0-9._:~-]{1,200}")


async def list_runs(  # noqa: PLR0917 - each is a query parameter
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    state: Annotated[list[RunState] | None, Query(description="May stand several times.")] = None,
    trigger: Annotated[str | None, Query(max_length=500, examples=["api", "webhook", "webhook:/tickets"])] = None,
    since: Annotated[AwareDatetime | None, Query(description="Created then or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Created then or earlier.")] = None,
) -> Response:
    """List the runs of the token's tenant, newest first. A page may have few, and a cursor: so many were looked at."""
    admitted = exchange(request)
    first, last = (None if moment is None else moment.timestamp() for moment in (since, until))
    wanted = WantedRuns(states=frozenset(state or ()), trigger=trigger, since=first, until=last)

    def read() -> Response:
        try:
            page = admitted.backend.service.list(admitted.caller.tenant, limit=limit, cursor=cursor, wanted=wanted)
        except ValueError as error:
            raise no_such_cursor() from error
        return PlainResponse(page_json(page))

    return await anyio.to_thread.run_sync(read)


async def get_run(
    request: Request,
    run_id: str,
    masked: Annotated[
        bool, Query(description="Leaves out what is about a person in the output too, as pages do.")
    ] = False,
    prefer: Annotated[
        str | None, Header(description="`wait=10` waits up to ten seconds for the end of the run (RFC 7240).")
    ] = None,
) -> Response:
    """Show a run and the state of every node."""
    run = await _find(request, run_id)
    seconds = wished(prefer and ",".join(request.headers.getlist("prefer")))
    if not seconds:
        return await _shown(request, run, whole=not masked)
    waited = run if run.state in TERMINAL else await waited_for(exchange(request), run.id, seconds)
    if waited is None:
        return await _shown(request, run, whole=not masked)
    shown = await _shown(request, waited, whole=not masked)
    shown.headers["Preference-Applied"] = f"wait={seconds:.0f}"
    return shown


async def answer_run(request: Request, run_id: str, body: answers.AnswerModel) -> Response:
    """Give the answer that a node of a run waits for: a decision, or what a program was to send."""
    run = await _find(request, run_id)
    return await answers.give(request, run.id, body.path, body.answer)


async def cancel_run(request: Request, run_id: str, body: Annotated[CancelReason | None, Body()] = None) -> Response:
    """Cancel a run: what runs now is recorded, nothing more begins. Cancelling one that has ended changes nothing."""
    await _find(request, run_id)
    admitted = exchange(request)
    reason = body.reason if body else ""
    caller = admitted.caller
    run = await anyio.to_thread.run_sync(admitted.backend.service.cancel, run_id, caller.tenant, reason, caller.by)
    if run is None:
        raise no_such_run()
    return await _shown(request, run, 200 if run.state in TERMINAL else 202)


async def pause_run(request: Request, run_id: str, body: Annotated[operating.Why | None, Body()] = None) -> Response:
    """Pause a run: what runs now is recorded, nothing more begins until it is resumed. Its deadline runs on."""
    return await _operated(request, "pause", run_id, body)


async def resume_run(request: Request, run_id: str, body: Annotated[operating.Why | None, Body()] = None) -> Response:
    """Let a run go on that was paused."""
    return await _operated(request, "resume", run_id, body)


async def replay_run(request: Request, run_id: str, body: Annotated[operating.Why | None, Body()] = None) -> Response:
    """Let a run that failed, or reached its deadline, go on from where that cut it off; what had succeeded is not done again."""
    return await _operated(request, "replay", run_id, body)


async def migrate_run(request: Request, run_id: str, body: migrating.Move) -> Response:
    """Move an open run of which nothing runs to the version of this API. `saltern migrate` proves first that it may go on there."""
    await migrating.migrate(request, await _find(request, run_id), body)
    return await _shown(request, await _find(request, run_id), 202)


async def rerun_run(request: Request, run_id: str, body: operating.RerunFrom) -> Response:
    """Let a run that is over begin anew at a node, and at all that comes behind it; what that needs is taken from before."""
    await _find(request, run_id)
    await operating.rerun(request, run_id, body)
    return await _shown(request, await _find(request, run_id), 202)


async def again_run(
    request: Request,
    run_id: str,
    body: Annotated[operating.Again | None, Body()] = None,
    idempotency_key: Annotated[str | None, Header(description="Makes repeats safe, as where a run is started.")] = None,
) -> Response:
    """Start a new run with the input of this one, or with another input; each is named in the other's audit."""
    run = await _find(request, run_id)
    started = await operating.again(request, run, body, key_of(request, idempotency_key))
    url = run_url(request, exchange(request).backend.service.graph.name, started.run_id)
    return PlainResponse({"id": started.run_id, "created": started.fresh, "url": url}, 202, {"Location": url})


async def discard_letter(request: Request, run_id: str, body: operating.DiscardWhy) -> Response:
    """Discard a dead letter of a run; the run stays as it is."""
    await _find(request, run_id)
    await operating.discard(request, run_id, body)
    return await _shown(request, await _find(request, run_id))


async def letters_of_run(request: Request, run_id: str) -> Response:
    """List the dead letters of a run: what failed for good in it and nobody has dealt with."""
    await _be_theirs(request, run_id)
    return await operating.letters_json(request, run_id)


async def audit_run(request: Request, run_id: str) -> Response:
    """Show what people did to a run: who, what, when and why."""
    await _be_theirs(request, run_id)
    return await operating.audit_json(request, run_id)


async def _operated(request: Request, what: str, run_id: str, body: operating.Why | None) -> Response:
    await _find(request, run_id)
    status = await operating.operate(request, what, run_id, body)
    return await _shown(request, await _find(request, run_id), status)


async def follow_events(
    request: Request,
    run_id: str,
    last_event_id: Annotated[str | None, Header(description="The id of the last event that was seen.")] = None,
) -> Response:
    """Follow a run's events as they happen."""
    after = last_event_id or "0"
    if not sse.is_id(after):
        raise _foreign_id()
    run = await _find(request, run_id)
    served = exchange(request).backend
    try:
        waiting = await sse.read(served, run.id, after)
    except ValueError as error:
        raise _foreign_id() from error
    if run.state in TERMINAL and not waiting:
        return Response(status_code=204)
    if served.streams.is_full(run.tenant):
        message = "as many streams are open as may be: follow fewer runs at once, or ask again in a moment"
        raise ProblemError(503, "too-many-streams", message, headers={"Retry-After": "5"})
    stream = sse.follow(served, run, after, run_url(request, served.service.graph.name, run.id))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type=sse.MEDIA_TYPE, headers=headers)


async def _shown(request: Request, run: RunView, status: int = 200, *, whole: bool = True) -> Response:
    service = exchange(request).backend.service
    root = str(request.scope.get("root_path", "")).rstrip("/")

    def link(path: str) -> str:
        name = f"{service.graph.name}.answer"
        return root + str(request.app.url_path_for(name, token=service.link(run, path)))

    written = partial(run_json, run, service.graph.hidden(run.pipeline), link, whole=whole)
    return PlainResponse(await anyio.to_thread.run_sync(written), status)


async def _find(request: Request, run_id: str) -> RunView:
    admitted = exchange(request)
    if not _RUN_ID.fullmatch(run_id):
        raise no_such_run()
    with suppress(ValueError):
        run = await anyio.to_thread.run_sync(admitted.backend.service.get, run_id, admitted.caller.tenant)
        if run is not None:
            return run
    raise no_such_run()


async def _be_theirs(request: Request, run_id: str) -> None:
    """Raise where the caller has no such run. Its values are not opened: whoever lacks their key still operates it."""
    admitted = exchange(request)
    is_of = admitted.backend.service.reader.is_of
    if not _RUN_ID.fullmatch(run_id) or not await anyio.to_thread.run_sync(is_of, run_id, admitted.caller.tenant):
        raise no_such_run()


def _foreign_id() -> ProblemError:
    return ProblemError(400, "bad-event-id", "Last-Event-ID is not one that this stream gave")
