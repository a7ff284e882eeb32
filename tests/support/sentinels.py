"""A real primary with a replica and sentinels on loopback: a failover as people have it."""

import subprocess
from pathlib import Path

import pytest
import redis

from tests.support.redis import RedisServer, free_port, server_binary
from tests.support.until import until

SERVICE = "main"


class Watched:
    """A primary, a replica, and sentinels that take the replica when the primary is gone for half a second."""

    def __init__(self, folder: Path, sentinels: int = 1) -> None:
        self.folder = folder
        self.ports = [free_port() for _ in range(sentinels)]
        self.processes: list[subprocess.Popen] = []
        self.servers = [_server(folder / "0")]
        self.servers.append(_server(folder / "1", "--replicaof", "127.0.0.1", str(self.servers[0].port)))

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in self.ports)}/{SERVICE}"

    def start(self) -> None:
        """Start all, and wait until the replica follows and every sentinel knows of it and of the others."""
        for server in self.servers:
            server.start()
        for port in self.ports:
            self.processes.append(sentinel(self.folder, port, self.servers[0].port, len(self.ports) // 2 + 1))
        until(lambda: all(self._knows(port) for port in self.ports), 30)

    def _knows(self, port: int) -> bool:
        try:
            with redis.Redis(port=port, decode_responses=True) as client:
                known = client.sentinel_master(SERVICE)
        except redis.exceptions.RedisError:
            return False
        return known["num-slaves"] == 1 and known["num-other-sentinels"] == len(self.ports) - 1 and self.follows()

    def follows(self) -> bool:
        """Whether the replica has all that the primary had."""
        with self.servers[1].client() as client:
            return client.info("replication").get("master_link_status") == "up"

    def primary(self) -> RedisServer:
        """Return the server that the first sentinel names."""
        with redis.Redis(port=self.ports[0], decode_responses=True) as client:
            _, port = client.sentinel_get_master_addr_by_name(SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    def fail_over(self) -> None:
        """Let the sentinels change places, and wait until the old primary is a replica."""
        old = self.primary()
        with redis.Redis(port=self.ports[0]) as client:
            client.sentinel_failover(SERVICE)
        with old.client() as client:
            until(lambda: client.info("replication")["role"] == "slave", 30)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        for server in self.servers:
            server.stop()


def sentinel(folder: Path, port: int, primary: int, quorum: int = 1) -> subprocess.Popen:
    """Start a sentinel at a port, which watches the primary at another one."""
    conf = folder / f"{port}.conf"
    conf.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor {SERVICE} 127.0.0.1 {primary} {quorum}\n"
        f"sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 5000\n"
    )
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([server_binary(), str(conf), "--sentinel"], **quiet)


def _server(folder: Path, *options: str) -> RedisServer:
    folder.mkdir(parents=True)
    return RedisServer(folder, "--repl-diskless-sync-delay", "0", *options)


@pytest.fixture(scope="session")
def watched(tmp_path_factory):
    """Start a primary, its replica and a sentinel for the whole session."""
    made = Watched(tmp_path_factory.mktemp("watched"))
    made.start()
    yield made
    made.stop()
