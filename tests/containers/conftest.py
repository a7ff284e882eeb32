"""An image of an example, built once with whichever tool is there; containers of it, hardened; vendors' doubles on loopback.

SALTERN_TEST_BUILDER       docker, buildah or podman; the first that works by default
SALTERN_TEST_BUILDER_ARGS  arguments that builds need on this machine, as in a shell
SALTERN_TEST_BASE_IMAGE    the base image, where the default one cannot be pulled
"""

import json
import os
import shlex
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from saltern_compiler.driver.image import ImageError, choose

ROOT = Path(__file__).parents[2]
TRIAGE = ROOT / "examples/support_triage/support_triage.saltern"
SALTERN = Path(sys.executable).parent / "saltern"
TICKET = {"id": "T-1", "subject": "Charged twice", "body": "Please refund one invoice."}
BASE_IMAGE = os.environ.get("SALTERN_TEST_BASE_IMAGE", "")


def pytest_collection_modifyitems(items):
    """All tests of this folder are marked, so that `make test` leaves them out."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.containers)


@pytest.fixture(scope="session")
def builder():
    """Name the tool that builds images here."""
    try:
        return choose(os.environ.get("SALTERN_TEST_BUILDER", ""))
    except ImageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def engine(builder):
    """Name the tool that runs containers here, and sees the builder's images."""
    name = "docker" if builder.name == "docker" else "podman"
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed: containers cannot be started")
    return name


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory):
    """Copy Saltern, so that images that are compared come from the same sources while somebody edits them."""
    folder = tmp_path_factory.mktemp("saltern")
    for root in ("compiler", "targets", "runtime"):
        shutil.copytree(ROOT / root, folder / root, ignore=shutil.ignore_patterns("__pycache__"))
    return os.pathsep.join(str(folder / root) for root in ("compiler", "targets", "runtime"))


def saltern_image(snapshot, tag, *arguments):
    """Run `saltern image` on the example; returns what it did."""
    base = ["--base-image", BASE_IMAGE] if BASE_IMAGE else []
    machine = shlex.split(os.environ.get("SALTERN_TEST_BUILDER_ARGS", ""))
    extra = [f"--builder-arg={each}" for each in (*machine, *arguments)]
    builder = os.environ.get("SALTERN_TEST_BUILDER", "")
    command = [SALTERN, "image", TRIAGE, "-t", tag, *base, *extra, *(["--builder", builder] if builder else [])]
    environment = {**os.environ, "PYTHONPATH": snapshot}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def image(engine, snapshot):
    """Build an image of the example without a cache; gives its tag."""
    tag = f"localhost/saltern-test:{uuid.uuid4().hex[:8]}"
    saltern_image(snapshot, tag, "--no-cache")
    yield tag
    subprocess.run([engine, "image", "rm", "--force", tag], capture_output=True, check=False)


@pytest.fixture(scope="session")
def redis_image(builder, engine):
    """Name a Redis to use: none (that of compose.yaml), or one built here where the base image is local too."""
    named = os.environ.get("SALTERN_TEST_REDIS_IMAGE", "")
    if named or not BASE_IMAGE:
        yield named
        return
    tag = f"localhost/saltern-test-redis:{uuid.uuid4().hex[:8]}"
    machine = shlex.split(os.environ.get("SALTERN_TEST_BUILDER_ARGS", ""))
    command = [
        builder.name,
        "build",
        "--build-arg",
        f"BASE_IMAGE={BASE_IMAGE}",
        *machine,
        "--tag",
        tag,
        Path(__file__).parent / "redis",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    yield tag
    subprocess.run([engine, "image", "rm", "--force", tag], capture_output=True, check=False)


@pytest.fixture(scope="session")
def inspect(engine):
    """Return what the engine knows of an image."""

    def look(tag):
        found = subprocess.run([engine, "image", "inspect", tag], capture_output=True, text=True, check=True)
        return json.loads(found.stdout)[0]

    return look


def signed(secret):
    """Return the body and the headers of a signed webhook."""
    body, message, now = json.dumps(TICKET), f"msg_{uuid.uuid4().hex}", datetime.now(UTC)
    return body, {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, now, body),
    }


@dataclass
class Container:
    """A running container."""

    engine: str
    name: str

    def call(self, *command):
        """Run a command inside."""
        return subprocess.run(
            [self.engine, "exec", self.name, *command], capture_output=True, text=True, check=False, timeout=60
        )

    def health(self):
        """Run the health check of the image by hand, as there may be no daemon that does."""
        return self.call("python", "-m", "saltern_runtime.observe.health")

    def is_running(self):
        command = [self.engine, "inspect", "--format", "{{.State.Running}}", self.name]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == "true"

    def logs(self):
        done = subprocess.run([self.engine, "logs", self.name], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def stop(self, seconds):
        """Stop as an orchestrator does; returns the exit code."""
        subprocess.run([self.engine, "stop", "--time", str(seconds), self.name], capture_output=True, check=True)
        command = [self.engine, "inspect", "--format", "{{.State.ExitCode}}", self.name]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.fixture
def start(engine, image):
    """Start containers of the image: read-only, without capabilities, as the image's own user, on the machine's network."""
    started = []

    def run(*command, env):
        name = f"saltern-test-{uuid.uuid4().hex[:8]}"
        hardened = ["--read-only", "--tmpfs", "/tmp", "--cap-drop=ALL", "--security-opt", "no-new-privileges"]
        podman = ["--read-only-tmpfs=false"] if engine == "podman" else []
        values = [part for key, value in env.items() for part in ("--env", f"{key}={value}")]
        done = subprocess.run(
            [
                engine,
                "run",
                "--detach",
                "--name",
                name,
                "--network",
                "host",
                *hardened,
                *podman,
                *values,
                image,
                *command,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        started.append(Container(engine, name))
        return started[-1]

    yield run
    for container in started:
        subprocess.run([engine, "rm", "--force", "--time", "0", container.name], capture_output=True, check=False)


class _Pipe(socketserver.BaseRequestHandler):
    """Joins a TCP connection to the socket file of a server."""

    def handle(self):
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self.server.path)
            back = threading.Thread(target=_copy, args=(server, self.request), daemon=True)
            back.start()
            _copy(self.request, server)
            back.join()


def _copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class _Pipes(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture
def postgres_tcp(postgres_dsn):
    """Give the DSN of an empty database over TCP: the server's socket file lies where a container's user cannot reach."""
    import psycopg

    with psycopg.connect(postgres_dsn) as connection:
        info = connection.info
        path, database, user = f"{info.host}/.s.PGSQL.{info.port}", info.dbname, info.user
    with _Pipes(("127.0.0.1", 0), _Pipe) as server:
        server.path = path
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"postgresql://{user}@127.0.0.1:{server.server_address[1]}/{database}?sslmode=disable"
        server.shutdown()
