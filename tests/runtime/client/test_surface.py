"""What callers see of the clients: the same in both, what the API has, and types that reach them."""

import inspect
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from saltern_compiler.cli.runs import STATES
from saltern_runtime.client import AsyncClient, Client, ClientError, RunFilter, results
from saltern_runtime.store.views import TERMINAL, RunState
from saltern_runtime.web import models, operating, versions


def test_both_clients_have_the_same_methods():
    """Names, parameters and what is returned are the same, but for what awaiting adds."""

    def surface(kind):
        for name, method in vars(kind).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                yield name, str(inspect.signature(method)).replace("AsyncIterator", "Iterator")

    assert dict(surface(Client)) == dict(surface(AsyncClient))


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (results.Run, models.Run),
        (results.RunSummary, models.RunSummary),
        (results.Node, models.NodeModel),
        (results.Items, models.ItemsModel),
        (results.Failure, models.FailureModel),
        (results.Awaited, models.AwaitedModel),
        (results.DeadLetter, operating.LetterModel),
        (results.Done, operating.DoneModel),
        (results.AuditEntry, operating.AuditEntry),
        (results.Version, versions.VersionModel),
        (results.Versions, versions.VersionList),
    ],
)
def test_what_a_service_says_the_client_knows(read, written):
    """Every field that the API documents has its place in the client's values, and the other way."""
    known = {field.alias or name for name, field in read.model_fields.items()}
    assert known == set(written.model_fields)


def test_both_sides_know_the_same_states():
    """Which states are an end, and which ones the command line looks for."""
    assert set(results.OVER) == set(TERMINAL)
    assert set(STATES) == set(RunState)


def test_one_state_needs_no_list():
    """A text is one state, not its letters."""
    assert RunFilter(state="FAILED").query() == RunFilter(state=["FAILED"]).query() == {"state": ("FAILED",)}


def test_errors_are_of_one_family():
    """Who catches ClientError catches all of them."""
    from saltern_runtime import client

    errors = [getattr(client, name) for name in client.__all__ if name.endswith("Error")]
    assert len(errors) == 14
    assert all(issubclass(error, ClientError) for error in errors)


def test_it_stands_on_httpx_alone():
    """With everything that a service runs on blocked, the client is imported and made."""
    script = """
        import sys

        BLOCKED = "celery kombu redis fastapi starlette uvicorn prometheus_client jsonschema obstore python_multipart"
        for name in BLOCKED.split():
            sys.modules[name] = None
        from saltern_runtime.client import AsyncClient, Client

        print(Client("http://a", "t"), AsyncClient("http://a", "t"))
    """
    done = subprocess.run([sys.executable, "-c", dedent(script)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Client('http://a') AsyncClient('http://a')\n", "")


def test_types_reach_the_caller(tmp_path):
    """What a program does with typed clients is checked by mypy: mistakes are found, and nothing else."""
    program = tmp_path / "program.py"
    program.write_text(
        dedent(
            """
            from saltern_runtime.client import AsyncClient, Client, Run
            from saltern_runtime.models import Model

            class Input(Model):
                order: str

            class Output(Model):
                total: int

            def ask(client: Client[Input, Output]) -> int:
                return client.wait(client.start(Input(order="a")).id, 5).output.total

            async def ask_too(url: str, token: str) -> list[str]:
                async with AsyncClient(url, token, input=Input, output=Output) as client:
                    run: Run[Output] = await client.replay("0-0")
                    seen = [event.type async for event in client.follow(run.id)]
                    return seen + [letter.node async for letter in client.dead_letters()]

            def plain(url: str, token: str) -> object:
                return Client(url, token).start({"order": 1}).run

            def wrong(client: Client[Input, Output]) -> str:
                client.start({"order": "a"})
                return client.get("0-0").output.total
            """
        )
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml"), str(program)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = [line.partition("error: ")[2] for line in done.stdout.splitlines() if "error: " in line]
    assert [each.rpartition("[")[2] for each in found] == ["arg-type]", "return-value]"], done.stdout
