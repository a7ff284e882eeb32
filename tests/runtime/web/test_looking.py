"""Looking for runs and dead letters over HTTP, and waiting for a run's end, over the real store and engine."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx
import pytest

from saltern_runtime.store import newest
from saltern_runtime.store.keys import shard_of
from tests.support.until import until


@pytest.fixture
def get(orders):
    """Ask for a path; returns the answer."""
    with httpx.Client(base_url=orders.url, headers={"Authorization": f"Bearer {orders.token}"}) as client:

        def get(path, **query):
            return client.get(path, params=query)

        yield get


def listed(get, **query):
    """Follow a listing of runs page by page."""
    found, pages, cursor = [], 0, {}
    while True:
        page = get("/runs", **query, **cursor).json()
        found += [run["id"] for run in page["runs"]]
        pages += 1
        if page["cursor"] is None:
            return found, pages
        cursor = {"cursor": page["cursor"]}


def test_runs_are_looked_for_by_state(orders, get):
    """One state, or several; whatever the size of a page, each run is listed once, newest first."""
    runs = orders.started(*(f"{'bad' if n % 3 == 0 else 'good'}{n}" for n in range(9)))
    failed = runs[::3]
    open_ = orders.worker.service.start({"id": "later"}, tenant="acme", trigger="api").run_id
    for limit in (1, 2, 3, 100):
        assert listed(get, state="FAILED", limit=limit) == (failed[::-1], -(-3 // limit))
    assert set(listed(get, state=["FAILED", "QUEUED"])[0]) == {*failed, open_}
    assert listed(get, state="TIMED_OUT")[0] == []


def test_runs_are_looked_for_by_trigger_and_time(orders, get):
    """A trigger is a whole one or its first word; both ends of a span belong to it."""
    service = orders.worker.service
    kinds = ("api", "webhook:/a", "webhook:/b")
    a, hook, other = (service.start({"id": "x"}, tenant="acme", trigger=kind).run_id for kind in kinds)
    assert set(listed(get, trigger="webhook")[0]) == {other, hook}
    assert listed(get, trigger="webhook:/a")[0] == [hook]
    assert listed(get, trigger="web")[0] == []
    at = get(f"/runs/{a}").json()["created_at"]
    assert a in listed(get, since=at, until=at)[0]
    after = (datetime.fromisoformat(at) + timedelta(hours=1)).isoformat()
    assert listed(get, since=after)[0] == []
    assert set(listed(get, until=after)[0]) == {a, hook, other}


def test_a_search_stops_after_so_many_and_goes_on(orders, get, monkeypatch):
    """What one request looks at has an end: its page may be empty, and its cursor leads on to the rest."""
    monkeypatch.setattr(newest, "SCANNED", 4)
    (first,) = orders.started("bad")
    for n in range(10):
        orders.worker.service.start({"id": f"good{n}"}, tenant="acme", trigger="api")
    page = get("/runs", state="FAILED").json()
    assert page["runs"] == []
    assert page["cursor"] is not None
    assert listed(get, state="FAILED") == ([first], 3)


def test_what_cannot_be_looked_for(orders, get):
    """A state that there is not, and a time without its zone, are findings, not empty listings."""
    for query in ({"state": "DONE"}, {"since": "yesterday"}, {"until": "2026-01-01T00:00:00"}, {"limit": 0}):
        answer = get("/runs", **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


def test_letters_of_a_run(orders, get):
    """A run shows its own dead letters; one without any shows none, and a stranger is not found."""
    bad, worse, good = orders.started("bad1", "bad2", "good")
    (letter,) = get(f"/runs/{bad}/dead-letters").json()["letters"]
    assert (letter["run"], letter["path"], letter["failure"]["code"]) == (bad, "charge", "refused")
    assert [each["run"] for each in get(f"/runs/{worse}/dead-letters").json()["letters"]] == [worse]
    assert get(f"/runs/{good}/dead-letters").json() == {"letters": [], "cursor": None}
    assert get(f"/runs/0-{'0' * 24}/dead-letters").status_code == 404


def test_letters_within_a_moment_are_found(orders, get):
    """The time that a letter shows finds it again, as the beginning and as the end of a span."""
    orders.started(*(f"bad{n}" for n in range(8)))
    letters = get("/runs/dead-letters").json()["letters"]
    assert len(letters) == 8
    for letter in letters:
        found = get("/runs/dead-letters", since=letter["at"], until=letter["at"]).json()["letters"]
        assert letter in found


def test_what_became_of_many_is_said_in_words(orders):
    """Of each letter whose run cannot be replayed, the answer has the reason; of the others, none."""
    bad, good = orders.started("bad1", "good")
    store = orders.worker.service.store
    store.client.zadd(f"{store.keys.shard(shard_of(good))}dead:acme", {f"{good}|charge": 1000})
    headers = {"Authorization": f"Bearer {orders.token}"}
    done = httpx.post(f"{orders.url}/runs/dead-letters/replay", json={}, headers=headers).json()["done"]
    assert [(each["run"], each["verdict"], each["detail"]) for each in done] == [
        (bad, "ok", ""),
        (good, "succeeded", "the run succeeded: there is nothing to replay"),
    ]


def test_looking_at_a_run_may_wait_for_its_end(orders, get):
    """`Prefer: wait` holds the answer back until the run is over, and says that it did; without it, it comes at once."""
    run = orders.worker.service.start({"id": "a"}, tenant="acme", trigger="api").run_id
    headers = {"Authorization": f"Bearer {orders.token}", "Prefer": "wait=20"}
    assert "preference-applied" not in get(f"/runs/{run}").headers
    (backend,) = orders.app.state.saltern_backends.values()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.get, f"{orders.url}/runs/{run}", headers=headers, timeout=30)
        assert until(lambda: backend.waiters.borrowed_tokens == 1)
        orders.finish(run)
        answer = asked.result(20)
    assert (answer.json()["state"], answer.headers["preference-applied"]) == ("SUCCEEDED", "wait=20")


def test_where_too_many_wait_the_run_is_shown_at_once(orders):
    """Waiting is a favour: with no thread left for it, the run is shown as it is."""
    (backend,) = orders.app.state.saltern_backends.values()
    run = orders.worker.service.start({"id": "a"}, tenant="acme", trigger="api").run_id

    class Taken:
        available_tokens = 0

    backend.waiters = Taken()
    headers = {"Authorization": f"Bearer {orders.token}", "Prefer": "wait=20"}
    answer = httpx.get(f"{orders.url}/runs/{run}", headers=headers)
    assert (answer.status_code, json.loads(answer.text)["state"]) == (200, "QUEUED")
    assert "preference-applied" not in answer.headers
