"""A pipeline that is given files and gives them back, its API over the real store, in this process or in one of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
from fastapi import Response

from saltern_runtime.files import CHUNK, File
from saltern_runtime.graph import Stage, node
from saltern_runtime.models import Int, Maybe, Model
from saltern_runtime.settings import Settings
from saltern_runtime.web import PipelineRouter, Start, build_app
from tests.support.built import ROOT
from tests.support.graphs import graph_of
from tests.support.redis import free_port

MAX_FILE = 3 * CHUNK


def bearer(keyring):
    """Return the headers of the tenant `default`."""
    return {"Authorization": f"Bearer {keyring['default'][0]}"}


class Deep(Model):
    """A file further down."""

    doc: File


class Input(Model):
    """Files in every place, and what is none."""

    doc: Maybe[File] = None
    docs: Maybe[list[File]] = None
    any_of: File | list[File] | None = None
    deep: Maybe[Deep] = None
    note: Maybe[str] = None
    count: Maybe[Int] = None


class Output(Model):
    """What was given."""

    doc: Maybe[File] = None
    size: Int


@node("return", type="return@1")
def return_(*, input: Input) -> Output:  # noqa: A002 - as generated code has it
    """Give the file back, and how many bytes of it there really are."""
    if input.doc is None:
        return Output(size=0)
    return Output(doc=input.doc, size=sum(map(len, input.doc.chunks())))


def graph(name):
    """Make the graph."""
    return graph_of(name, Stage("return", nodes=(return_,)), deadline=60.0, retention=600.0)


def router(of):
    """Make its routes."""
    made = PipelineRouter(of, output=Output)

    @made.start("/runs")
    async def start_run(body: Input, start: Start) -> Response:
        """Start a run."""
        return await start(body)

    return made


def create_app():
    """Make the app of a process of its own; FILES_SERVICE names the service."""
    return build_app(router(graph(os.environ["FILES_SERVICE"])), Settings.from_env())


class Process:
    """The API in a uvicorn of its own."""

    def __init__(self, service, redis_url, entry, **settings):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {f"SALTERN_{name.upper()}": str(value) for name, value in settings.items()}
        environment |= {"FILES_SERVICE": service, "SALTERN_REDIS_URL": redis_url, "SALTERN_API_TOKENS": str(entry)}
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "--factory",
            "tests.support.files:create_app",
            "--port",
            str(self.port),
        ]
        self.process = subprocess.Popen(
            [*command, "--log-level", "warning", "--timeout-graceful-shutdown", "2"],
            cwd=ROOT,
            env={**os.environ, **environment},
        )
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("the API did not come up")

    def peak(self):
        """Bytes of memory that the process has had at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def stop(self):
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
