"""A generated tree written by hand: the smallest service that has a branch, a failure and a slow node."""

import json
import textwrap

FILES = {
    "__init__.py": '''
        """The pipeline echo."""

        from importlib import import_module


        def __getattr__(name):
            if name not in ("create_app", "router"):
                raise AttributeError(name)
            return getattr(import_module("echo.api"), name)
        ''',
    "models.py": '''
        """Values."""

        from saltern_runtime.models import Model


        class Input(Model):
            """What a run starts with."""

            text: str
            seconds: float = 0.0


        class Output(Model):
            """What a run returns."""

            text: str
            loud: bool
        ''',
    "nodes.py": '''
        """Nodes."""

        import time

        from saltern_runtime import SKIPPED, Context, Skipped, node
        from saltern_runtime.errors import PermanentError

        from echo.models import Input, Output


        @node("think", type="python.call@1")
        def think(ctx: Context, *, input: Input) -> str:
            """Take a while."""
            time.sleep(input.seconds)
            if input.text == "fail":
                raise PermanentError("it said \\x1b[31mfail", code="told-to")
            return input.text


        @node("loud", type="if@1")
        def loud(*, think: str) -> str:
            """Branch."""
            return "then" if think.isupper() else "else"


        @node("shout", type="template@1")
        def shout(*, think: str) -> str:
            """Shout."""
            return think + "!"


        @node("return", type="return@1")
        def return_(*, think: str, shout: str | Skipped) -> Output:
            """Return the result of the run."""
            return Output(text=shout if shout is not SKIPPED else think, loud=shout is not SKIPPED)
        ''',
    "graph.py": '''
        """The plan."""

        from saltern_runtime import Graph, On, Retry, Stage

        from echo import nodes

        GRAPH = Graph(
            "echo",
            package="echo",
            stages=(
                Stage("think", nodes=(nodes.think,), retry=Retry(attempts=1)),
                Stage("loud", nodes=(nodes.loud,)),
                Stage("shout", nodes=(nodes.shout,), when=(On("loud", "then"),)),
                Stage("return", nodes=(nodes.return_,)),
            ),
        )
        ''',
    "tasks.py": '''
        """The Celery app."""

        from saltern_runtime.engine.celery import Worker

        from echo.graph import GRAPH

        worker = Worker(GRAPH)
        celery = worker.celery


        for stage in GRAPH.stages:
            worker.register(stage, worker.answer)
        ''',
    "api.py": '''
        """HTTP API."""

        from fastapi import FastAPI, Response
        from saltern_runtime.settings import Settings
        from saltern_runtime.web import Delivery, PipelineRouter, Start, build_app

        from echo.graph import GRAPH
        from echo.models import Input, Output

        router = PipelineRouter(GRAPH, output=Output)


        @router.start("/runs")
        async def start_run(body: Input, start: Start) -> Response:
            """Start a run."""
            return await start(body)


        @router.webhook("/echo", secret="env:ECHO_SECRET")
        async def receive_echo(body: Input, deliver: Delivery) -> Response:
            """Start a run with a delivery."""
            return await deliver(body)


        def create_app(settings: Settings | None = None) -> FastAPI:
            """Make the app."""
            return build_app(router, settings)
        ''',
}


def write_tree(folder, replaced=()):
    """Write the tree, but for modules that are `replaced`; returns its folder."""
    package = folder / "echo"
    package.mkdir(parents=True)
    for name, text in {**FILES, **dict(replaced)}.items():
        (package / name).write_text(textwrap.dedent(text).lstrip())
    (package / "source_map.json").write_text(
        json.dumps({"plan": "sha256:" + "e" * 64, "source": "echo.saltern", "nodes": {}})
    )
    return folder
