"""The scripts on a server: one library of functions, which whoever misses it loads."""

import json

import pytest
from redis.exceptions import ResponseError

from saltern_runtime.store import link
from saltern_runtime.store.link import LIBRARY
from saltern_runtime.store.lua import Library
from saltern_runtime.store.scripts import CALLS
from tests.runtime.store.conftest import dep


def servers(bench):
    """Return a client of each primary."""
    return bench.store.way.all()


def test_a_server_that_lost_it_is_given_it_again(bench):
    """Restarted without its last second, flushed, or never asked before: the call is made all the same, and made once."""
    for client in servers(bench):
        client.function_flush()
    made = bench.create(dep("a"))
    assert made.status == "fresh"
    assert len(bench.events(made.run_id)) == 1
    bench.check()


def test_versions_do_not_meet(bench):
    """Another runtime's library, loaded beside it, changes nothing: each has functions of its own, and both work."""
    other = Library([*(call.script for call in CALLS), "prelude"])
    assert other.name != LIBRARY.name
    for client in servers(bench):
        client.function_load(other.text, replace=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link, "LIBRARY", other)
        first = bench.create(dep("a")).run_id
    second = bench.create(dep("a")).run_id
    assert [bench.events(run) for run in (first, second)] == [["run.created"]] * 2
    bench.check()
    for client in servers(bench):
        client.function_delete(other.name)


def test_a_call_that_fails_leaves_nothing_to_the_next(bench):
    """What a call knows is known to it alone, also where it ends in an error half way."""
    first = bench.create(dep("a")).run_id
    client = bench.store.at(bench.store.keys.shard(0))
    with pytest.raises(ResponseError):
        client.fcall(
            LIBRARY.function("cancel"), 1, bench.store.keys.shard(0), json.dumps({"op": "cancel", "run": first})
        )
    second = bench.create(dep("a")).run_id
    assert client.hget(bench.store.keys.run(first), "state") == "QUEUED"
    assert [bench.events(run) for run in (first, second)] == [["run.created"]] * 2
    bench.check()
