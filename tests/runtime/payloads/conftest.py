"""Payload stores under test: Redis, a folder, a bucket of a real S3 server."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis

from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.keys import Keys
from saltern_runtime.store.objects import ObjectPayloads
from saltern_runtime.store.payloads import PayloadStore, RedisPayloads
from tests.support.s3 import use


@dataclass
class Kept:
    """A store, what it holds, and the time that it believes in."""

    store: PayloadStore
    names: object
    place: PayloadPlace
    now: list = field(default_factory=lambda: [time.time()])

    def held(self):
        """Return the names of all that is there, whether it can be read or not."""
        return sorted(self.names())


def in_redis(url, service):
    client = redis.Redis.from_url(url)
    keys = Keys(service)
    return Kept(
        RedisPayloads(lambda _: client, keys),
        lambda: [key.decode() for key in client.keys(f"*{service}*payload*")],
        PayloadPlace(),
    )


def at(place, service, names):
    kept = Kept(None, names, PayloadPlace(place))
    kept.store = ObjectPayloads(kept.place, service, clock=lambda: kept.now[0])
    return kept


def in_folder(folder, service):
    def names():
        return [str(Path(root, name).relative_to(folder)) for root, _, found in os.walk(folder) for name in found]

    return at(f"file://{folder}", service, names)


def in_bucket(server, service):
    bucket = server.bucket()
    return at(f"s3://{bucket}/some/where", service, lambda: server.keys(bucket))


def make(kind, request, tmp_path, service):
    if kind == "redis":
        return in_redis(request.getfixturevalue("redis_url"), service)
    if kind == "folder":
        return in_folder(tmp_path, service)
    server = request.getfixturevalue("s3_server")
    use(request.getfixturevalue("monkeypatch"), server)
    return in_bucket(server, service)


@pytest.fixture(params=["redis", "folder", "s3"])
def kept(request, tmp_path, service):
    """Each kind of store."""
    return make(request.param, request, tmp_path, service)


@pytest.fixture(params=["folder", "s3"])
def objects(request, tmp_path, service):
    """Each store of objects; its time can be set."""
    return make(request.param, request, tmp_path, service)
