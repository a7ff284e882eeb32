"""Whether the servers are fit: looked at once, at start, and all that is wrong is said at once, with what to change."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import TimeoutError as SlowReplyError
from redis.sentinel import Sentinel

from saltern_runtime.settings import Settings
from saltern_runtime.spec.addresses import SLOTS, RedisAddress
from saltern_runtime.store import rights
from saltern_runtime.store.failures import StoreUnfitError
from saltern_runtime.store.keys import Keys
from saltern_runtime.store.trying import refused, told
from saltern_runtime.store.ways import Way, arguments, opened, sentinels

log = logging.getLogger("saltern.store")
OLDEST: Final = (7, 0)
HANDSHAKE: Final = 2.0
"""Seconds for which a server is listened to that may refuse our certificate."""


def look(
    settings: Settings, keys: Keys, patiently: Callable[[Callable[[], list[str]]], list[str]], *, broker: bool
) -> None:
    """Raise StoreUnfitError with whatever is wrong with the store's servers, or with the broker where that is a Redis."""
    address = settings.store
    found = [f"SALTERN_REDIS_URL: {what}" for what in address.unreadable()]
    if not found:
        found = patiently(lambda: _looked(address, lambda: list(_wrong(address, settings, keys))))
    if not found and broker:
        found = _of_broker(settings, keys.service)
    if found:
        raise StoreUnfitError("; ".join(dict.fromkeys(found)))


def _looked(address: RedisAddress, wrong: Callable[[], list[str]]) -> list[str]:
    """Look, and tell what will not pass by itself from what may: a wrong password, a certificate."""
    try:
        return wrong()
    except AuthenticationError as error:
        return [f"{address.shown} refuses the user {address.user or 'default'!r} with this password: {error}"]
    except (LostConnectionError, SlowReplyError) as error:
        reason = _of_tls(error) or (_alert(address) if address.tls else None)
        if reason is None:
            raise
        return [
            f"TLS with {address.shown} fails ({reason}): look at ssl_ca_certs, ssl_certfile and the name of the host"
        ]


def _of_tls(error: BaseException | None) -> str | None:
    """Return why TLS failed for good; None where it did not."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return getattr(error, "verify_message", "") or error.reason or str(error)
        error = error.__cause__ or error.__context__
    return None


def _alert(address: RedisAddress) -> str | None:
    """Return what a server says of our own certificate, which comes after the handshake, where redis-py takes it for a closed connection."""
    files = address.files
    try:
        context = ssl.create_default_context(cafile=files.get("ssl_ca_certs"))
        context.check_hostname = bool(address.certificates["ssl_check_hostname"])
        if "ssl_certfile" in files:
            context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"))
        host, port = address.hosts[0]
        with (
            socket.create_connection((host, port), timeout=HANDSHAKE) as raw,
            context.wrap_socket(raw, server_hostname=host) as secured,
        ):
            secured.recv(1)  # an alert comes unasked; nothing else does
    except OSError as error:
        return _of_tls(error)
    return None


def _of_broker(settings: Settings, service: str) -> list[str]:
    """Say what is wrong with the broker. One that cannot be reached may pass, and no run is lost without it."""
    address = settings.broker
    if address.kind == "other":
        return []

    def wrong() -> list[str]:
        unnamed = list(_unnamed(address, settings)) if address.kind == "sentinel" else []
        if unnamed:
            return unnamed
        way = opened(address, settings.socket_timeout)
        try:
            client = way.at("")
            wanted = rights.BROKER if address.db == 0 else {**rights.BROKER, **rights.SELECT}
            patterns, channels = rights.broker_keys_of(service), rights.channels_of(address.db)
            return list(told(refused(client, wanted, patterns, channels), address.user, patterns, channels))
        finally:
            way.close()

    try:
        variable = "SALTERN_BROKER_URL" if settings.broker_url else "SALTERN_REDIS_URL, as the broker"
        return [f"{variable}: {what}" for what in _looked(address, wrong)]
    except RedisError as error:
        log.warning("the broker was not looked at: %s", error)
        return []


def _wrong(address: RedisAddress, settings: Settings, keys: Keys) -> Iterator[str]:
    before = list(_unnamed(address, settings) if address.kind == "sentinel" else _unwhole(address, settings))
    if before:
        yield from before
        return
    way = opened(address, settings.socket_timeout)
    try:
        for client in way.all():
            yield from _of_server(client, address, settings)
        yield from lacking(way, settings, keys)
    finally:
        way.close()


def lacking(way: Way, settings: Settings, keys: Keys) -> Iterator[str]:
    """Say which rights the store's user lacks now; a way that is open is asked."""
    address = settings.store
    wanted = {**rights.STORE}
    wanted |= rights.CLUSTER if address.kind == "cluster" else {}
    wanted |= rights.SELECT if address.db else {}
    wanted |= rights.FSYNC if settings.durability == "fsync" else {}
    for key in _a_key_each(way, settings, keys):
        found = refused(way.at(key), wanted, (f"{key}*",))
        yield from told(found, address.user, rights.keys_of(keys.service))


def _a_key_each(way: Way, settings: Settings, keys: Keys) -> list[str]:
    """Return a prefix of keys on each server that has a shard."""
    return list({id(way.at(key)): key for key in (keys.shard(shard) for shard in range(settings.shards))}.values())


def _unwhole(address: RedisAddress, settings: Settings) -> Iterator[str]:
    """Say what is wrong with a cluster as its first node that answers sees it; nothing where it is whole."""
    if address.kind != "cluster":
        return
    covered = sum(int(last) - int(first) + 1 for first, last, *_ in _slots(address, settings))
    if covered < SLOTS:
        yield f"the cluster is not whole: {covered} of {SLOTS} slots have a server; redis-cli --cluster check HOST:PORT says which have none"


def _slots(address: RedisAddress, settings: Settings) -> Sequence[Any]:
    lost: RedisError | None = None
    for host, port in address.hosts:
        with redis.Redis(host, port, **arguments(address, settings.socket_timeout)) as client:
            try:
                return client.execute_command("CLUSTER SLOTS")  # type: ignore[no-any-return]  # redis-py types no replies
            except NoPermissionError:
                line = f"ACL SETUSER {address.user or 'default'} +cluster|slots"
                raise StoreUnfitError(
                    f"the user {address.user or 'default'!r} may not ask where keys are: {line}"
                ) from None
            except ResponseError:
                raise StoreUnfitError(
                    f"{host}:{port} is no node of a cluster: write redis:// in place of redis+cluster://"
                ) from None
            except (LostConnectionError, SlowReplyError) as error:
                if isinstance(error, AuthenticationError):
                    raise
                lost = error
    raise lost or LostConnectionError("no node is named")


def _unnamed(address: RedisAddress, settings: Settings) -> Iterator[str]:
    """Say that the sentinels know no such service; nothing where one does, or none answers."""
    known: set[str] = set()
    asked = Sentinel(address.hosts, sentinel_kwargs=sentinels(address, settings.socket_timeout))  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    for sentinel in asked.sentinels:
        try:
            known |= {str(name) for name in sentinel.sentinel_masters()}
        except AuthenticationError as error:
            yield f"the sentinels refuse sentinel_username and sentinel_password_file: {error}"
        except RedisError as error:
            if _of_tls(error) is not None:
                raise
        finally:
            sentinel.close()
    if known and address.service not in known:
        yield f"the sentinels know no service {address.service!r}; they know {', '.join(sorted(known))}"


def _of_server(client: redis.Redis, address: RedisAddress, settings: Settings) -> Iterator[str]:
    """Say what is wrong with one server."""
    try:
        facts: dict[str, Any] = client.info()
    except NoPermissionError:
        yield from told(["info"], address.user, ())
        return
    pool = client.connection_pool.connection_kwargs
    where = f"{pool.get('host')}:{pool.get('port')}" if address.kind == "cluster" else address.shown
    version = str(facts.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        yield f"Redis {version} at {where} is too old: 7.0 or newer, or Valkey"
    if facts.get("role") == "slave":
        primary = f"{facts.get('master_host')}:{facts.get('master_port')}"
        yield f"{where} is a replica, which takes no writes: name its primary ({primary}), or its sentinels (redis+sentinel://)"
    if facts.get("cluster_enabled") == 1 and address.kind != "cluster":
        yield f"{where} is a node of a cluster: write redis+cluster://"
    policy = facts.get("maxmemory_policy")
    if policy not in (None, "noeviction"):
        yield f"Redis evicts keys (maxmemory-policy {policy}), which loses runs: set it to noeviction"
    if settings.durability == "fsync":
        yield from _of_file(client, facts)


def _of_file(client: redis.Redis, facts: dict[str, Any]) -> Iterator[str]:
    if not knows(client, "waitaof"):
        yield "durability fsync needs WAITAOF (Redis 7.2 or Valkey): use a newer server, or set SALTERN_DURABILITY=none"
    elif facts.get("aof_enabled") != 1:
        yield "durability fsync needs an append-only file: set appendonly yes on the server"


def knows(client: redis.Redis, command: str) -> bool:
    """Return whether a server has a command, whoever may run it."""
    try:
        client.execute_command(command.upper())  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    except ResponseError as error:
        return "unknown command" not in str(error)
    return True
