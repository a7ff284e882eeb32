"""The API."""

from fastapi import FastAPI, Response

from chaos_hostile.graph import GRAPH
from saltern_runtime.models import Model
from saltern_runtime.web import PipelineRouter, Start, build_app


class Input(Model):
    """How to misbehave, and how often."""

    how: str
    times: int = 100


router = PipelineRouter(GRAPH, output=str)


@router.start("/runs")
async def start_run(body: Input, start: Start) -> Response:
    """Start a run."""
    return await start(body)


def create_app() -> FastAPI:
    """Make the app."""
    return build_app(router)
