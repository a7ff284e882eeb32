"""The routes of a pipeline, to include in any FastAPI app."""

import re
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from saltern_runtime.engine.links import ROUTE
from saltern_runtime.files import File, mentions_files
from saltern_runtime.graph import Graph, GraphError
from saltern_runtime.web import answers, backend, operating, runs, schedules, sse, versions
from saltern_runtime.web.documented import BYTES, EVENTS, SEEN, SENT, TAKEN, Responses, problems
from saltern_runtime.web.downloads import get_file
from saltern_runtime.web.forms import MULTIPART, TEXT, Fields, Intake, Reader
from saltern_runtime.web.guards import Bearer, Exchange, Guard, Linked, Open, Signature
from saltern_runtime.web.models import (
    AwaitedModel,
    PlainResponse,
    Run,
    RunList,
    StartedModel,
)
from saltern_runtime.web.problems import ProblemResponse, respond
from saltern_runtime.web.requests import JsonRequest
from saltern_runtime.web.signatures import NONE, SCHEMES, Scheme
from saltern_runtime.web.start import RUN_ROUTE
from saltern_runtime.web.traced import traced
from saltern_runtime.web.uploads import FILE_ROUTE, put_file

EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")
LINK_ROUTE: Final = f"{ROUTE}{{token}}"


class GuardedRoute(APIRoute):
    """A route whose guard comes first, whose body is limited, and whose errors are problems in whatever app it stands."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler; a route without a guard is our own bug and cannot be made."""
        inner = super().get_route_handler()
        guards = [dependency.dependency for dependency in self.dependencies if isinstance(dependency.dependency, Guard)]
        if len(guards) != 1:
            raise GraphError(f"the route {self.path} needs one guard, not {len(guards)}")
        takes_body = self.body_field is not None
        guard = guards[0]
        reader = self._reader(guard)

        async def handler(request: Request) -> Response:
            began = time.time_ns()
            try:
                served = backend.of(request.app, guard.graph)
                checked = JsonRequest(request.scope, request.receive, served.settings.max_body)
                caller = await guard.admit(checked, served)
                if caller.greeting is not None:
                    return PlainResponse(caller.greeting)
                checked.state.saltern = Exchange(served, caller)
                with traced(checked, self.path_format, is_trusted=isinstance(guard, Bearer), began=began) as call:
                    response = await answered(checked)
                    call.answered(response.status_code)
                    return response
            except Exception as error:  # noqa: BLE001 - the last place before someone else's app
                return respond(error)

        async def answered(checked: JsonRequest) -> Response:
            try:
                if reader is not None:
                    await reader.read(checked)
                elif takes_body and checked.has_body():
                    checked.require_json()
                return await inner(checked)
            except Exception as error:  # noqa: BLE001 - whatever it is has an answer, whose status the trace says
                return respond(error)

        return handler

    def _reader(self, guard: Guard) -> Reader | Intake | None:
        """Make what reads bodies of a webhook, and forms where an input may have files; None for all else, which reads JSON alone."""
        model = _model_of(self)
        if not isinstance(model, type) or not issubclass(model, BaseModel):
            return None
        if guard.reads is not None:
            return Reader(model, guard.reads, guard.scheme.payload if isinstance(guard, Signature) else "")
        return Intake(model) if mentions_files(model) else None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer other methods with a problem that names all methods of the path."""
        if self.methods and scope["method"] not in self.methods:
            allow = ", ".join(sorted(getattr(self, "allow", self.methods)))
            response = ProblemResponse(405, "method-not-allowed", f"use {allow}", {"Allow": allow})
            await response(scope, receive, send)
            return
        await super().handle(scope, receive, send)


class PipelineRouter(APIRouter):
    """Routes for the runs of one pipeline; `start` and `webhook` add the ones that begin them."""

    def __init__(self, graph: Graph, *, output: Any) -> None:
        """Make the router; `output` is the type of what a run returns, for OpenAPI."""
        super().__init__(tags=[graph.name], route_class=GuardedRoute, lifespan=backend.closing)
        self.graph = graph
        self.bearer = Bearer(graph)
        self.run_model: Any = Run[output]
        self._add_runs()
        self._add_schedules()
        if mentions_files(output):
            self._add_files()

    @property
    def secrets(self) -> tuple[str, ...]:
        """References to what its webhooks are checked with."""
        guards = (
            each.dependency for route in self.routes if isinstance(route, APIRoute) for each in route.dependencies
        )
        return tuple(guard.secret for guard in guards if isinstance(guard, Signature))

    def start(self, path: str) -> Callable[[EndpointT], EndpointT]:
        """Make a function `(body: Input, start: Start)` the route that starts a run."""
        return self._begin(path, self.bearer, finished=True)

    def webhook(
        self,
        path: str,
        *,
        signature: str | Scheme = "standard",
        secret: str | None = None,
        respond: float = 0.0,
        body: str = "",
    ) -> Callable[[EndpointT], EndpointT]:
        """Make a function `(body: Input, deliver: Delivery)` a webhook.

        `signature` names the vendor's scheme, or is one; `none` lets anyone in. `secret` refers to what it is checked with
        (`env:WEBHOOK_SECRET`); a standard one without it takes a bearer token.
        `respond` is how many seconds the run may take to answer the request itself; then it is a 202.
        JSON and forms are read by their content type; `body="text"` puts whatever comes into the input's field `body`.
        """
        if not _PATH.fullmatch(path) or f"{path}/".startswith(("/runs/", "/schedules/", ROUTE)):
            raise GraphError(
                f"a webhook cannot stand at {path!r}: use letters, digits, dots, dashes, slashes, and not /runs, /schedules or /answers"
            )
        if body not in ("", TEXT):
            raise GraphError(f"the webhook {path} cannot read bodies as {body!r}")
        guard = self._guard(path, signature, secret)
        guard.reads = body
        return self._begin(path, guard, respond=respond)

    def _guard(self, path: str, signature: str | Scheme, secret: str | None) -> Guard:
        if signature == NONE:
            if secret is not None:
                raise GraphError(f"the webhook {path} checks no signature, so it takes no secret")
            return Open(self.graph)
        if secret is None and signature == "standard":
            return Bearer(self.graph)
        scheme = SCHEMES.get(signature) if isinstance(signature, str) else signature
        if scheme is None:
            raise GraphError(f"the webhook {path} has the unknown signature {signature!r}")
        if secret is None:
            raise GraphError(f"the webhook {path} needs a secret to check signatures with")
        return Signature(self.graph, scheme, secret)

    def _begin(
        self, path: str, guard: Guard, *, finished: bool = False, respond: float = 0.0
    ) -> Callable[[EndpointT], EndpointT]:
        if self._has(path):
            raise GraphError(f"two routes of {self.graph.name!r} stand at POST {path}")
        said: Responses = {200: {"description": "What the run answered, or returned."}}
        done: Responses = {200: {"model": self.run_model, "description": "The run ended while waiting."}}

        def add(endpoint: EndpointT) -> EndpointT:
            self.add_api_route(
                path,
                endpoint,
                methods=["POST"],
                status_code=202,
                response_model=StartedModel,
                response_description="The run was accepted.",
                responses=(done if finished else said if respond else {})
                | problems(400, 401, *self._busy, 413, 415, 422, 429, 503),
                dependencies=[Depends(guard)],
            )
            at = len(self.routes) - 1
            self.routes[at].__dict__["respond"] = respond
            model = _model_of(self.routes[at])
            if mentions_files(model):
                self._add_files()
                if finished:
                    content = {MULTIPART: {"schema": Fields(model).document()}}
                    self.routes[at].__dict__["openapi_extra"] = {"requestBody": {"content": content}}
            self._note_methods()
            return endpoint

        return add

    @property
    def _busy(self) -> tuple[int, ...]:
        """The status of a start that makes no run while others are under way, where there is that."""
        limit = self.graph.concurrency
        return (409,) if limit is not None and limit.then == "drop" else ()

    def _add_runs(self) -> None:
        guard = [Depends(self.bearer)]
        name = RUN_ROUTE.format(pipeline=self.graph.name)
        known = problems(401, 404, 503)
        ended: Responses = {200: {"model": self.run_model, "description": "The run has ended."}}
        streamed: Responses = {
            200: {"content": {sse.MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": EVENTS},
            204: {"description": "The run has ended and nothing came after Last-Event-ID."},
        }
        self.get("/runs", response_model=RunList, responses=problems(400, 401, 422, 503), dependencies=guard)(
            runs.list_runs
        )
        self._add_letters()
        self.get("/versions", response_model=versions.VersionList, responses=problems(401, 503), dependencies=guard)(
            versions.list_versions
        )
        self.get("/runs/{run_id}", response_model=self.run_model, responses=known, dependencies=guard, name=name)(
            runs.get_run
        )
        self.post(
            "/runs/{run_id}/cancel",
            status_code=202,
            response_model=self.run_model,
            responses=ended | problems(400, 401, 404, 413, 415, 422, 503),
            dependencies=guard,
        )(runs.cancel_run)
        self.get(
            "/runs/{run_id}/events",
            response_class=StreamingResponse,
            responses=streamed | problems(400, 401, 404, 503),
            dependencies=guard,
        )(runs.follow_events)
        self.post(
            "/runs/{run_id}/answers",
            status_code=202,
            response_model=answers.TakenModel,
            responses=TAKEN | problems(400, 401, 404, 409, 410, 413, 415, 422, 503),
            dependencies=guard,
        )(runs.answer_run)
        refused = problems(400, 401, 404, 409, 413, 415, 422, 503)
        for what, status, does in (
            ("pause", 202, runs.pause_run),
            ("resume", 202, runs.resume_run),
            ("replay", 202, runs.replay_run),
            ("migrate", 202, runs.migrate_run),
            ("rerun", 202, runs.rerun_run),
            ("discard", 200, runs.discard_letter),
        ):
            self.post(
                f"/runs/{{run_id}}/{what}",
                status_code=status,
                response_model=self.run_model,
                responses=refused,
                dependencies=guard,
            )(does)
        self.post(
            "/runs/{run_id}/again",
            status_code=202,
            response_model=StartedModel,
            response_description="The new run was accepted.",
            responses=refused | problems(429),
            dependencies=guard,
        )(runs.again_run)
        self.get("/runs/{run_id}/audit", response_model=operating.Audit, responses=known, dependencies=guard)(
            runs.audit_run
        )
        self.get(
            "/runs/{run_id}/dead-letters", response_model=operating.LetterList, responses=known, dependencies=guard
        )(runs.letters_of_run)
        linked = [Depends(Linked(self.graph))]
        self.get(
            LINK_ROUTE,
            response_model=AwaitedModel,
            responses=SEEN | problems(404, 410, 503),
            dependencies=linked,
            name=f"{self.graph.name}.answer",
        )(answers.see)
        self.post(
            LINK_ROUTE,
            status_code=202,
            response_model=answers.TakenModel,
            responses=TAKEN | problems(400, 404, 409, 410, 413, 415, 422, 503),
            dependencies=linked,
            openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}},
        )(answers.answer)
        self._note_methods()

    def _add_schedules(self) -> None:
        """Add the routes of schedules."""
        guard = [Depends(self.bearer)]
        known = problems(401, 404, 503)
        self.get("/schedules", response_model=schedules.ScheduleList, responses=problems(401, 503), dependencies=guard)(
            schedules.list_schedules
        )
        for what, does in (("pause", schedules.pause_schedule), ("resume", schedules.resume_schedule)):
            self.post(
                f"/schedules/{{schedule}}/{what}",
                response_model=schedules.ScheduleModel,
                responses=known | problems(413, 415, 422),
                dependencies=guard,
            )(does)
        self.get(
            "/schedules/{schedule}/audit", response_model=schedules.ScheduleAudit, responses=known, dependencies=guard
        )(schedules.audit_schedule)
        self._note_methods()

    def _add_letters(self) -> None:
        """Add the routes of dead letters; they stand before those of a run, whose id might be theirs."""
        guard = [Depends(self.bearer)]
        listed = problems(400, 401, 422, 503)
        self.get("/runs/dead-letters", response_model=operating.LetterList, responses=listed, dependencies=guard)(
            operating.list_letters
        )
        for what, status, does in (
            ("replay", 202, operating.replay_letters),
            ("discard", 200, operating.discard_letters),
        ):
            self.post(
                f"/runs/dead-letters/{what}",
                status_code=status,
                response_model=operating.BatchModel,
                responses=problems(400, 401, 413, 415, 422, 503),
                dependencies=guard,
            )(does)

    def _add_files(self) -> None:
        """Add the routes of files, once: where what a run is given or returns may hold some."""
        name = FILE_ROUTE.format(pipeline=self.graph.name)
        if any(getattr(route, "name", "") == name for route in self.routes):
            return
        if self._has("/files"):
            raise GraphError(f"a webhook of {self.graph.name!r} cannot stand at '/files': files are put there")
        guard = [Depends(self.bearer)]
        self.post(
            "/files",
            status_code=201,
            response_model=File,
            response_description="The file is stored: what is answered stands for it in a run's input.",
            responses=problems(400, 401, 408, 413, 415, 422, 503),
            dependencies=guard,
            openapi_extra={"requestBody": {"required": True, "content": {"*/*": {"schema": BYTES}}}},
        )(put_file)
        found = problems(401, 404, 416, 503)
        self.get("/files/{sha256}", responses=SENT | found, dependencies=guard, name=name)(get_file)
        self.head("/files/{sha256}", dependencies=guard, include_in_schema=False)(get_file)
        self._note_methods()

    def _has(self, path: str) -> bool:
        """Whether something is posted to a path already."""
        posted = (route for route in self.routes if "POST" in (getattr(route, "methods", None) or ()))
        return any(getattr(route, "path", None) == path for route in posted)

    def _note_methods(self) -> None:
        routes = [route for route in self.routes if isinstance(route, GuardedRoute)]
        for route in routes:
            same = (other.methods for other in routes if other.path == route.path)
            route.__dict__["allow"] = {method for methods in same for method in methods or ()}


def _model_of(route: BaseRoute) -> Any:
    """Return the type of a route's body; None where it reads none."""
    body = getattr(route, "body_field", None)
    return None if body is None else body.field_info.annotation
