"""A cap on the open runs of a tenant, as those see it who start runs: over HTTP, by webhook, with a client."""

import httpx
import pytest

from saltern_runtime.client import TooManyError
from saltern_runtime.store.calls import Failed
from saltern_runtime.store.keys import new_nonce
from tests.support.checker import broken
from tests.support.operated import TENANT, operated


@pytest.fixture
def full(redis_url, redis_client):
    """A service of orders whose tenant has the two open runs that it may have."""
    with operated(redis_url, max_open_runs=2) as made:
        made.first = [made.worker.service.start({"id": each}, tenant=TENANT, trigger="api").run_id for each in "ab"]
        yield made
        assert broken(redis_client, made.worker.service.graph.name) == []


@pytest.fixture
def raw(full):
    with httpx.Client(base_url=full.url, headers={"Authorization": f"Bearer {full.token}"}) as made:
        yield made


def runs_of(full):
    return {run.id for run in full.worker.service.list(TENANT).runs}


DOORS = {
    "api": lambda raw, full, headers: raw.post("/runs", json={"id": "c"}, headers=headers),
    "webhook": lambda raw, full, headers: raw.post("/hooks/orders", json={"id": "c"}, headers=headers),
    "again": lambda raw, full, headers: raw.post(f"/runs/{full.first[0]}/again", json={}, headers=headers),
}


@pytest.mark.parametrize("door", DOORS)
def test_one_more_is_refused(full, raw, door):
    """429 with the numbers and when to try again, and nothing is made. A request whose run was made is answered with that run, over the cap too."""
    refused = DOORS[door](raw, full, {"Idempotency-Key": "k"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    said = refused.json()
    assert said | {"code": "too-many-open-runs", "open": 2, "limit": 2} == said
    assert runs_of(full) == set(full.first)
    full.worker.service.cancel(full.first[0], TENANT)
    made = DOORS[door](raw, full, {"Idempotency-Key": "k"})
    assert (made.status_code, made.json()["created"]) == (202, True)
    known = DOORS[door](raw, full, {"Idempotency-Key": "k"})
    assert (known.status_code, known.json()) == (202, made.json() | {"created": False})
    assert DOORS[door](raw, full, {"Idempotency-Key": "other"}).status_code == 429


def test_a_refused_input_is_not_kept(full, raw):
    """What is too large for a run's own hash is stored before the run is made, and goes where it is not."""
    store = full.worker.service.store
    before = set(store.client.keys(store.keys.shard(0) + "*"))
    assert raw.post("/runs", json={"id": "x" * 40_000}).status_code == 429
    assert set(store.client.keys(store.keys.shard(0) + "*")) == before


def test_a_replay_is_never_refused(full, raw):
    """It goes on with what there is, and counts from then on."""
    full.worker.service.store.fail(_claim(full), Failed('{"kind":"x","code":"x","message":"m"}', None), None)
    (over,) = [run.id for run in full.worker.service.list(TENANT).runs if run.state == "FAILED"]
    assert raw.post("/runs", json={"id": "c"}).status_code == 202
    assert raw.post(f"/runs/{over}/replay", json={}).status_code == 202
    assert DOORS["api"](raw, full, {}).json()["open"] == 3


def _claim(full):
    bell = full.worker.bells.bells.popleft()
    return full.worker.service.store.answer(bell, new_nonce()).claim


def test_a_client_tries_again(full, connect, pauses):
    """With a key, as long as the service asks for; then the error says what the service said. Without a key at once."""
    with connect(full.url, full.token) as client:
        with pytest.raises(TooManyError, match="2 runs of this tenant are open") as raised:
            client.start({"id": "c"}, idempotency_key="k")
        assert (raised.value.code, raised.value.retry_after) == ("too-many-open-runs", 5.0)
        assert [pause >= 5 for pause in pauses] == [True] * 3
        pauses.clear()
        with pytest.raises(TooManyError):
            client.again(full.first[0])
        assert pauses == []


def test_the_document_says_it(full):
    """Whoever reads the OpenAPI document learns that it may happen, at each door and at no other."""
    paths = full.app.openapi()["paths"]
    may = {path for path, item in paths.items() if "429" in item.get("post", {}).get("responses", {})}
    assert may == {"/runs", "/hooks/orders", "/runs/{run_id}/again"}


def test_metrics_show_it(full, raw):
    """Open runs beside the cap, and what was refused; no tenant is named."""
    DOORS["api"](raw, full, {})
    text = raw.get("/metrics").text
    name = full.worker.service.graph.name
    for metric, value in (("tenant_open_runs_max", 2), ("tenant_open_runs_limit", 2), ("runs_refused_total", 1)):
        assert f'saltern_{metric}{{pipeline="{name}"}} {value}.0' in text
    assert TENANT not in text
