"""Starting, seeing, listing and cancelling runs over HTTP."""

import anyio
import pytest

from saltern_runtime.store.store import StoreUnavailableError, StoreUnfitError
from saltern_runtime.store.views import Failure, RunState

pytestmark = pytest.mark.anyio


async def test_start_answers_202_with_the_place_of_the_run(client, service):
    """A start is accepted at once and says where the run is to be seen."""
    answer = await client.post("/runs", json={"id": "a"})
    assert answer.status_code == 202
    started = answer.json()
    assert started == {"id": started["id"], "created": True, "url": f"/runs/{started['id']}"}
    assert answer.headers["location"] == started["url"]
    seen = (await client.get(started["url"])).json()
    assert seen["state"] == "QUEUED"
    assert seen["input"] == {"id": "a"}
    assert [(node["id"], node["state"]) for node in seen["nodes"]] == [("greet", "BLOCKED"), ("return", "BLOCKED")]
    assert seen["created_at"].endswith("Z")
    assert service.runs[started["id"]].trigger == "api"


@pytest.mark.parametrize("prefer", ["wait=10", "respond-async, WAIT=10", 'wait="10"; x=1', "return=minimal,wait = 10"])
async def test_prefer_wait_answers_200_with_the_finished_run(client, service, prefer):
    """`Prefer: wait=10` waits for the end and answers with the whole run."""
    service.finish_at_once = True
    answer = await client.post("/runs", json={"id": "a"}, headers={"Prefer": prefer})
    assert answer.status_code == 200
    assert answer.json()["output"] == {"text": "hello a"}
    assert answer.headers["preference-applied"] == "wait=10"


@pytest.mark.parametrize("prefer", ["wait=0", "wait=-1", "wait", "respond-async", "wait=1e3", ";;,=", ""])
async def test_other_preferences_answer_202(client, service, prefer):
    """A preference is only a wish: what cannot be read or means no waiting is accepted as usual."""
    service.finish_at_once = True
    answer = await client.post("/runs", json={"id": "a"}, headers={"Prefer": prefer})
    assert answer.status_code == 202


async def test_a_run_that_outlasts_the_wait_answers_202(client):
    """Where the run does not end in time, the answer is the one of no waiting."""
    answer = await client.post("/runs", json={"id": "a"}, headers={"Prefer": "wait=1"})
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers


async def test_a_failed_run_is_a_finished_run(client, service):
    """Waiting for a run that fails answers 200: the request was served, the state says what became of the run."""
    async with anyio.create_task_group() as group:

        async def fail():
            while not service.runs:  # noqa: ASYNC110 - the stand-in has no event to wait for
                await anyio.sleep(0.01)
            service.finish(next(iter(service.runs)), RunState.FAILED, output={})

        group.start_soon(fail)
        answer = await client.post("/runs", json={"id": "a"}, headers={"Prefer": "wait=30"})
    assert (answer.status_code, answer.json()["state"]) == (200, "FAILED")


async def test_waiters_beyond_the_threads_get_202(client, app, service):
    """When all waiting threads are taken, a wish to wait is declined instead of queued."""
    app.state.saltern_backends["greeter"].waiters.total_tokens = 0
    answer = await client.post("/runs", json={"id": "a"}, headers={"Prefer": "wait=30"})
    assert answer.status_code == 202


async def test_the_same_key_answers_with_the_first_run(client, service):
    """An Idempotency-Key makes a repeated start harmless."""
    first = await client.post("/runs", json={"id": "a"}, headers={"Idempotency-Key": "k"})
    again = await client.post("/runs", json={"id": "a"}, headers={"Idempotency-Key": "k"})
    assert again.json() == {**first.json(), "created": False}
    assert len(service.runs) == 1


async def test_the_same_key_with_another_body_is_refused(client, service):
    """A key that was used for another body is a 422 problem, and no run begins."""
    await client.post("/runs", json={"id": "a"}, headers={"Idempotency-Key": "k"})
    answer = await client.post("/runs", json={"id": "b"}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert len(service.runs) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ü".encode("latin-1")])
async def test_unusable_keys_are_refused(client, key):
    """A key is 1 to 255 visible ASCII characters."""
    answer = await client.post("/runs", json={"id": "a"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-idempotency-key")


async def test_two_keys_are_refused(client):
    """Two Idempotency-Key headers contradict each other."""
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await client.post("/runs", json={"id": "a"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-idempotency-key")


async def test_runs_are_listed_newest_first_in_pages(client):
    """The cursor of a page leads to the next one, and the last page has none."""
    ids = [(await client.post("/runs", json={"id": str(n)})).json()["id"] for n in range(3)]
    first = (await client.get("/runs", params={"limit": 2})).json()
    rest = (await client.get("/runs", params={"limit": 2, "cursor": first["cursor"]})).json()
    assert [run["id"] for run in first["runs"] + rest["runs"]] == ids[::-1]
    assert rest["cursor"] is None
    assert "input" not in first["runs"][0]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("cursor=x", 400, "bad-cursor"),
        ("limit=0", 422, "invalid-request"),
        ("limit=101", 422, "invalid-request"),
        ("limit=x", 422, "invalid-request"),
        (f"cursor={'9' * 501}", 422, "invalid-request"),
    ],
)
async def test_bad_listings_are_refused(client, query, status, code):
    """Limits are 1 to 100, and a cursor is one that a listing gave."""
    answer = await client.get(f"/runs?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_tenant_sees_only_its_own_runs(client, app, connect, service):
    """Another tenant's run is as unknown as one that never was, on every route."""
    run_id = (await client.post("/runs", json={"id": "a"})).json()["id"]
    async with connect(app, "other") as stranger:
        answers = [
            await stranger.get(f"/runs/{run_id}"),
            await stranger.get(f"/runs/{run_id}/events"),
            await stranger.post(f"/runs/{run_id}/cancel"),
        ]
        listing = (await stranger.get("/runs")).json()
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert listing == {"runs": [], "cursor": None}
    assert service.runs[run_id].state == RunState.QUEUED


@pytest.mark.parametrize("run_id", ["nope", "%00", "a" * 300, "%ff", "a%20b", "é"])
async def test_unknown_runs_are_404(client, run_id):
    """Whatever stands for an id: a run that is not there is a 404 problem."""
    answer = await client.get(f"/runs/{run_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "run-not-found")


async def test_cancel_is_accepted_and_repeatable(client, service):
    """Cancelling answers with the run, again for one that is cancelling, and 200 once it has ended."""
    run_id = (await client.post("/runs", json={"id": "a"})).json()["id"]
    first = await client.post(f"/runs/{run_id}/cancel", json={"reason": "wrong ticket"})
    assert (first.status_code, first.json()["state"]) == (202, "CANCELLING")
    assert service.streams[run_id][-1].data == {"reason": "wrong ticket"}
    service.finish(run_id, RunState.CANCELLED)
    again = await client.post(f"/runs/{run_id}/cancel")
    assert (again.status_code, again.json()["state"]) == (200, "CANCELLED")


async def test_a_cancel_with_a_bad_body_changes_nothing(client, service):
    """A reason that is no text is refused before anything happens."""
    run_id = (await client.post("/runs", json={"id": "a"})).json()["id"]
    answer = await client.post(f"/runs/{run_id}/cancel", json={"reason": 5})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/reason")
    assert service.runs[run_id].state == RunState.QUEUED


async def test_odd_text_in_a_stored_run_is_shown(client, service):
    """Half a surrogate pair or a NUL in an output does not break the answer."""
    run_id = (await client.post("/runs", json={"id": "a"})).json()["id"]
    service.finish(run_id, output={"text": "\ud800\x00"})
    answer = await client.get(f"/runs/{run_id}")
    assert answer.json()["output"] == {"text": "\ud800\x00"}


async def test_the_output_of_an_older_plan_is_shown(client, service):
    """A run whose output does not fit today's model is shown as it is."""
    run_id = (await client.post("/runs", json={"id": "a"})).json()["id"]
    service.finish(run_id, output=["another", "shape"])
    assert (await client.get(f"/runs/{run_id}")).json()["output"] == ["another", "shape"]


async def test_a_failure_says_why(client, service):
    """A failed run carries kind, code, message and node."""
    run_id = (await client.post("/runs", json={"id": "a"})).json()["id"]
    service.finish(run_id, RunState.FAILED)
    failure = Failure("external-transient", "rate-limited", "slow down", "greet", 429)
    object.__setattr__(service.runs[run_id], "failure", failure)
    shown = (await client.get(f"/runs/{run_id}")).json()["failure"]
    assert shown == {
        "kind": "external-transient",
        "code": "rate-limited",
        "message": "slow down",
        "node": "greet",
        "status": 429,
    }


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/runs"), ("GET", "/runs"), ("GET", "/runs/x"), ("GET", "/readyz")]
)
async def test_an_unreachable_store_is_503(client, service, method, path):
    """When Redis is away, every route says so and asks to come again."""
    service.broken = StoreUnavailableError("connection refused to 10.0.0.1")
    answer = await client.request(method, path, json={"id": "a"} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "10.0.0.1" not in answer.text


async def test_an_unfit_store_is_503(client, service):
    """Where the server would lose runs, nothing is accepted."""
    service.broken = StoreUnfitError("maxmemory-policy is allkeys-lru")
    answer = await client.post("/runs", json={"id": "a"})
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unfit")
