"""The app that serves one pipeline alone: its routes, health, metrics, the OpenAPI document."""

from __future__ import annotations

import logging
import os
from importlib import resources
from typing import Any

import anyio
from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from saltern_runtime.engine.limits import cap_of
from saltern_runtime.observe import logs
from saltern_runtime.observe.metrics import Collector
from saltern_runtime.settings import Settings
from saltern_runtime.store.keys import short_of
from saltern_runtime.version import __version__
from saltern_runtime.web import problems, tokens
from saltern_runtime.web.guards import Bearer, Guard, Public, exchange
from saltern_runtime.web.models import PlainResponse
from saltern_runtime.web.problems import ProblemError
from saltern_runtime.web.router import GuardedRoute, PipelineRouter

READY_SECONDS = 5.0
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def build_app(router: PipelineRouter, settings: Settings | None = None) -> FastAPI:
    """Make the app around a router; settings come from the environment unless given.

    Bad ones there end the process. Raises ValueError for bad tokens, and StoreUnfitError where the shards cannot share a cap.
    """
    settings = settings or Settings.at_start()
    tokens.read(settings.api_tokens)
    cap_of(settings)
    _log(router, settings)
    public = settings.docs == "open"
    # Where FastAPI has spans of its own: they would trust every sender, and hold the paths of signed links.
    app = FastAPI(
        title=router.graph.name,
        version=__version__,
        description=f"Runs of the pipeline {router.graph.name}.",
        docs_url="/docs" if public else None,
        redoc_url=None,
        openapi_url="/openapi.json" if public else None,
        telemetry={"tracing": False},
    )
    app.state.saltern_settings = settings
    app.include_router(router)
    app.include_router(_operations(router, public=public))
    app.add_exception_handler(HTTPException, problems.handle)
    app.add_exception_handler(RequestValidationError, problems.handle)
    app.add_exception_handler(Exception, problems.handle)
    return app


def _log(router: PipelineRouter, settings: Settings) -> None:
    """Write logs as the settings say where uvicorn alone has set them up: whoever else did so knows what they want."""
    theirs = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.access")]
    if logging.getLogger().handlers or not theirs[0].handlers:
        return
    about = {"service": router.graph.name, "version": short_of(router.graph.digest)}
    secrets = logs.secrets_of(router.graph, settings, os.environ, router.secrets)
    if logs.log_to_stderr(settings, about, secrets):
        for each in theirs:
            each.handlers.clear()
            each.propagate = True


def _operations(router: PipelineRouter, *, public: bool) -> APIRouter:
    """Make the routes that an operator's tools call."""
    operations = APIRouter(tags=["operations"], route_class=GuardedRoute)
    anyone = _guarded(Public(router.graph))
    token = _guarded(Bearer(router.graph))
    operations.get("/healthz", dependencies=anyone)(health)
    operations.get(
        "/readyz", dependencies=anyone, responses={503: {"description": "The store cannot be reached, or is unfit."}}
    )(ready)
    operations.get("/metrics", dependencies=token, responses={200: {"content": {"text/plain": {}}}})(metrics)
    if public:
        operations.get("/", dependencies=anyone, include_in_schema=False)(page)
    else:
        operations.get("/openapi.json", dependencies=token, include_in_schema=False)(document)
    return operations


def _guarded(guard: Guard) -> list[Any]:
    return [Depends(guard)]


async def health() -> Response:
    """Say that the process answers."""
    return PlainResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """Say whether the store can be reached, and is fit to keep what is promised."""
    service = exchange(request).backend.service
    with anyio.move_on_after(READY_SECONDS):
        await anyio.to_thread.run_sync(service.ping, abandon_on_cancel=True)
        await anyio.to_thread.run_sync(service.prepare, abandon_on_cancel=True)
        return PlainResponse({"status": "ready"})
    raise ProblemError(503, "store-unavailable", "the store does not answer", headers={"Retry-After": "1"})


async def metrics(request: Request) -> Response:
    """Give the metrics of the pipeline and of this process in the Prometheus text format."""
    service = exchange(request).backend.service
    registry = CollectorRegistry()
    registry.register(Collector(service.graph.name, service.figures))

    def scrape() -> bytes:
        return generate_latest(registry) + generate_latest(REGISTRY)

    return Response(await anyio.to_thread.run_sync(scrape), media_type=CONTENT_TYPE_LATEST)


async def document(request: Request) -> Response:
    """Give the OpenAPI document."""
    return PlainResponse(request.app.openapi())


async def page() -> Response:
    """Show runs to a person: a page without data, which asks for it with the token in its address's fragment."""
    text = resources.files("saltern_runtime.web").joinpath("page.html").read_text("utf-8")
    return HTMLResponse(text, headers={"Content-Security-Policy": _PAGE_POLICY, "Referrer-Policy": "no-referrer"})
