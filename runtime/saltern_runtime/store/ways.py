"""Clients of the store's servers: of one, of a cluster's nodes, of what sentinels name. All keys of a shard lie on one server."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, NodesManager
from redis.crc import key_slot
from redis.credentials import CredentialProvider
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    SlotNotCoveredError,
)
from redis.exceptions import (
    ConnectionError as LostConnectionError,
)
from redis.exceptions import (
    TimeoutError as SlowReplyError,
)
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from saltern_runtime.spec.addresses import RedisAddress

MOVING: Final = (AskError, ClusterDownError, SlotNotCoveredError, LostConnectionError, SlowReplyError)
"""Where a cluster's map may have changed; a slot that MOVED is an AskError too."""
_LOOK: Final = 2.0
"""Seconds that one sentinel may take to say where the primary is."""


class Way(Protocol):
    """Leads from a key to a client of the server that holds it."""

    def at(self, key: str) -> redis.Redis:
        """Return the client for a key; it draws on a pool, so threads may share it."""

    def alone(self) -> redis.Redis | None:
        """Return a client with a connection of its own, for one thread; None where the server of a key may become another one."""

    def all(self) -> list[redis.Redis]:
        """Return a client of each primary."""

    def turn(self, error: Exception) -> bool:
        """Look anew where keys are, after a failure; says whether the next try may lead elsewhere."""

    def close(self) -> None:
        """Close its connections."""


class Secret(CredentialProvider):
    """User and password, of which the password is read from its file for each connection, so that it may be changed."""

    def __init__(self, user: str, file: str) -> None:
        self._user, self._file = user, file

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """See CredentialProvider."""
        try:
            password = Path(self._file).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise LostConnectionError(f"the password cannot be read from {self._file}: {error}") from None
        return (self._user, password) if self._user else (password,)


def opened(address: RedisAddress, timeout: float) -> Way:
    """Open the way to an address; `timeout` in seconds, of connecting and of each answer."""
    return (_Cluster if address.kind == "cluster" else _Server)(address, timeout)


def arguments(address: RedisAddress, timeout: float) -> dict[str, Any]:
    """Return what redis-py is to know of each connection."""
    given: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "protocol": 2,  # parsed by redis-py in two thirds of the time that RESP3 takes
        "driver_info": None,  # one right fewer, which Redis 7.0 does not know
        **login(address.user, address.password, address.options.get("password_file")),
    }
    return given | _tls(address)


def sentinels(address: RedisAddress, timeout: float) -> dict[str, Any]:
    """Return what redis-py is to know of connections to sentinels: TLS is as the server's, user and password are their own."""
    user, file = (address.options.get(name, "") for name in ("sentinel_username", "sentinel_password_file"))
    look = min(timeout, _LOOK)
    given = {"socket_timeout": look, "socket_connect_timeout": look, "driver_info": None, **login(user, "", file)}
    return given | _tls(address)


def _tls(address: RedisAddress) -> dict[str, Any]:
    return {"ssl": True, "redis_connect_func": _greeted, **address.certificates} if address.tls else {}


def _greeted(connection: Any) -> None:
    """Log in, and exchange something. The tickets of TLS 1.3 come unasked, and redis-py takes them for an answer that nobody read."""
    connection.on_connect()
    connection.send_command("PING")
    connection.read_response()


def login(user: str, password: str, file: str | None) -> dict[str, Any]:
    """Return user and password as redis-py takes them."""
    if file:
        return {"credential_provider": Secret(user, file)}
    return {"username": user or None, "password": password} if password or user else {}


class _Server:
    """One server, or the primary that sentinels name."""

    def __init__(self, address: RedisAddress, timeout: float) -> None:
        self._address, self._timeout = address, timeout
        self._client = self._connect()

    def _connect(self, *, alone: bool = False) -> redis.Redis:
        address = self._address
        given = {
            **arguments(address, self._timeout),
            "db": address.db,
            "retry": Retry(NoBackoff(), 1),
        }
        if address.kind == "sentinel":
            known = Sentinel(address.hosts, sentinel_kwargs=sentinels(address, self._timeout))  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            pool = SentinelConnectionPool(address.service, known, **given)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            return redis.Redis(connection_pool=pool)
        host, port = address.hosts[0]
        return redis.Redis(host, port, single_connection_client=alone, **given)

    def at(self, key: str) -> redis.Redis:  # noqa: ARG002 - all keys are there
        return self._client

    def alone(self) -> redis.Redis | None:
        """Of what sentinels name, none: redis-py asks them when a connection leaves its pool, and one of its own stays where it was."""
        return None if self._address.kind == "sentinel" else self._connect(alone=True)

    def all(self) -> list[redis.Redis]:
        return [self._client]

    def turn(self, error: Exception) -> bool:
        """See Way: the next connection that leaves the pool asks the sentinels."""
        return self._address.kind == "sentinel" and isinstance(error, LostConnectionError | SlowReplyError)

    def close(self) -> None:
        self._client.close()


class _Cluster:
    """A client of each node. redis-py knows the map; who is sent elsewhere looks anew, and sends all of it again.

    While the keys of a slot are moved one by one, nothing that may miss one is done: a script names its shard's prefix as its key, which
    never is one, so the node answers ASK as long as that lasts, and ASK is waited out. redis-py's own cluster client follows it, to where
    half of a run is; it takes a transaction to the wrong node then; and it has to ask a server which arguments are keys.
    """

    def __init__(self, address: RedisAddress, timeout: float) -> None:
        given = arguments(address, timeout)
        seeds = [ClusterNode(host, port) for host, port in address.hosts]  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        try:
            self._map = NodesManager(seeds, dynamic_startup_nodes=False, **given)
        except RedisClusterException as error:
            raise LostConnectionError(str(error)) from error

    def at(self, key: str) -> redis.Redis:
        node = self._map.get_node_from_slot(key_slot(key.encode()))
        return cast("redis.Redis", node.redis_connection)

    def alone(self) -> redis.Redis | None:
        return None

    def all(self) -> list[redis.Redis]:
        return [node.redis_connection for node in self._map.get_nodes_by_server_type("primary")]

    def turn(self, error: Exception) -> bool:
        if isinstance(error, MovedError):  # who says so knows; another node's map may lag behind
            self._map.move_slot(error)
            return True
        if not isinstance(error, MOVING):
            return False
        known = [(node.host, node.port) for node in self._map.nodes_cache.values()]
        try:
            self._map.initialize(known, disconnect_startup_nodes_pools=False)
        except RedisClusterException:
            return False
        return True

    def close(self) -> None:
        self._map.close()
