"""Listings, events, figures."""

import pytest

from saltern_runtime.store.keys import Keys, digest_of, queue_name, shard_of
from saltern_runtime.store.payloads import PayloadGoneError
from tests.runtime.store.conftest import dep


class Counted:
    """Counts the round trips of a client."""

    def __init__(self, client):
        self.client, self.trips = client, 0

    def __getattr__(self, name):
        self.trips += 1
        return getattr(self.client, name)

    def pipeline(self, **options):
        self.trips += 1
        return self.client.pipeline(**options)


@pytest.fixture
def counted(bench, monkeypatch):
    """Count the round trips of what reads the store."""
    client = Counted(bench.store.client)
    monkeypatch.setattr(bench.store, "at", lambda _: client)
    return client


def test_a_page_costs_two_round_trips(bench, counted):
    """However many runs are on it: the index, then all of them; neither inputs nor outputs are fetched."""
    for _ in range(30):
        bench.create()
    counted.trips = 0
    page = bench.reader.runs("acme", 25, None)
    assert len(page.runs) == 25
    assert counted.trips == 2
    assert not hasattr(page.runs[0], "input")


def test_a_scrape_searches_no_keys(bench, counted):
    """Which queues there are is kept, so that a scrape costs the same however many keys there are."""
    bench.create(dep("a", queue="one"), dep("b", queue="two"))
    counted.trips = 0
    assert bench.reader.figures().ready == {"one": 1, "two": 1}
    assert counted.trips == 2 * bench.store.settings.shards


def test_pages_show_each_run_once(bench):
    """A listing is newest first, one tenant's alone, and its pages neither repeat nor lose a run."""
    made = [bench.create().run_id for _ in range(7)]
    bench.create(tenant="other")
    seen, cursor = [], None
    while True:
        page = bench.reader.runs("acme", 3, cursor)
        seen += [run.id for run in page.runs]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    assert len(bench.reader.runs("acme", 20, None).runs) == 7
    assert bench.reader.runs("nobody", 20, None).runs == ()


@pytest.mark.parametrize("cursor", ["", "x", "1.x", "-1.0-000000000000000000000000"])
def test_a_broken_cursor_is_a_value_error(bench, cursor):
    """What a client made up is refused, not run into."""
    with pytest.raises(ValueError, match="cursor"):
        bench.reader.runs("acme", 3, cursor)


def test_events_go_on_where_they_stopped(bench):
    """Events after an id are those that follow it; a broken id is a ValueError."""
    run_id = bench.create().run_id
    bench.claim()
    events = bench.reader.events(run_id, "0", 0, 99)
    assert [event.id for event in bench.reader.events(run_id, events[0].id, 0, 99)] == [e.id for e in events[1:]]
    assert bench.reader.events(run_id, events[-1].id, 0.01, 99) == []
    for broken in ("", "$", "x-1", "1-", "1" * 30):
        if broken == "1-":
            continue
        with pytest.raises(ValueError, match="event"):
            bench.reader.events(run_id, broken, 0, 1)


def test_other_tenants_see_nothing(bench):
    """A run is there for its own tenant alone."""
    run_id = bench.create().run_id
    assert bench.reader.run(run_id, "acme").id == run_id
    assert bench.reader.run(run_id, "other") is None
    assert bench.reader.run("../../etc", "acme") is None


def test_nodes_are_shown_in_the_order_of_the_plan(bench):
    """A view shows each node of the plan with its state, whether its stage was reached or not."""
    bench.store.keep_plan("sha256:p", '[["a",[["one","set@1"],["two","set@1"]]],["b",[["three","set@1"]]]]', "[]")
    run_id = bench.create().run_id
    bench.claim()
    view = bench.reader.run(run_id)
    assert [(node.id, node.stage, node.state) for node in view.nodes] == [
        ("one", "a", "RUNNING"),
        ("two", "a", "RUNNING"),
        ("three", "b", "BLOCKED"),
    ]


def test_figures_count(bench):
    """Counts are kept by the scripts; depth and age of each queue are read."""
    bench.create(dep("a"), dep("b"))
    bench.succeed(bench.claim())
    figures = bench.reader.figures()
    assert figures.counts["runs|CREATED"] == 1
    assert figures.ready == {"q": 1}
    assert figures.oldest["q"] >= 0


def test_keys_share_the_hash_tag():
    """All keys of a run carry its shard's tag, whatever braces a name brings."""
    keys = Keys("a{b}c")
    run_id = "7-" + "0" * 24
    assert keys.run(run_id, ":acts") == f"saltern:v1:a(b)c:{{7}}:run:{run_id}:acts"
    assert shard_of(run_id) == 7
    assert shard_of("7-zz") is None
    assert digest_of("a", "bc") != digest_of("ab", "c")
    assert queue_name("sha256:0123456789", "a|b") == "01234567.a_b"


def test_a_payload_expires(bench):
    """A value kept by reference goes with its run."""
    payloads = bench.store.payloads
    reference = payloads.write("0-" + "0" * 24, "name", [b"text"], 5.0)
    assert b"".join(payloads.read(reference)) == b"text"
    assert payloads.write("0-" + "0" * 24, "name", [b"text"], 5.0) == reference
    assert 0 < bench.client.pttl(reference) <= 5000
    with pytest.raises(PayloadGoneError):
        list(payloads.read(reference + "x"))
