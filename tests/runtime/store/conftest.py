"""A store with keys of its own, and short ways to put a run into a state."""

import pytest

from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import NewRun, Outcome
from saltern_runtime.store.keys import new_nonce, new_run_id
from saltern_runtime.store.reading import Reader
from saltern_runtime.store.store import Store
from tests.support.checker import broken


def dep(path, **changes):
    """Make a dependant with one need."""
    return {
        "path": path, "need": 1, "join": "all", "live": 0, "dead": 0, "queue": "q", "priority": 5, "reads": "[]", "timeout": 5000,
    } | changes  # fmt: skip


class Bench:
    """A store under test; every check looks at the invariants."""

    def __init__(self, store, reader, client):
        self.store, self.reader, self.client = store, reader, client
        self.bells = []

    def key(self, name):
        return self.store.keys.shard(0) + name

    def create(self, *entries, **changes):
        fields = {
            "id": new_run_id(0), "plan": "sha256:p", "tenant": "acme", "trigger": "api", "input": '{"n":1}', "body": "b",
            "idempotency": "", "deadline": 60.0, "retention": 60.0, "entries": entries or (dep("a"),),
        } | changes  # fmt: skip
        created = self.store.create(NewRun(**fields))
        self.bells += created.bells
        self.check()
        return created

    def claim(self, nonce=None):
        """Answer the oldest bell."""
        answer = self.store.answer(self.bells.pop(0), nonce or new_nonce())
        self.bells += answer.bells
        self.check()
        return answer.claim

    def succeed(self, claim, *dependants, values=None, next_nonce=None):
        answer = self.store.advance(claim, Outcome("SUCCEEDED", dependants, values or {}), next_nonce)
        self.bells += answer.bells
        self.check()
        return answer

    def state(self, run_id):
        return self.reader.state(run_id)

    def acts(self, run_id):
        import json

        found = self.client.hgetall(self.store.keys.run(run_id, ":acts"))
        return {path: json.loads(text) if text.startswith("{") else text for path, text in found.items()}

    def events(self, run_id):
        return [event.type for event in self.reader.events(run_id, "0", 0, 500)]

    def due_now(self, member):
        """Let a timer be due."""
        assert self.client.zscore(self.key("due"), member) is not None
        seconds, micros = self.client.time()
        self.client.zadd(self.key("due"), {member: seconds * 1000 + micros // 1000})

    def trust_timers(self):
        """Make it look as if the timers had swept for long without a gap."""
        seconds, micros = self.client.time()
        now = seconds * 1000 + micros // 1000
        self.client.hset(self.key("sweep"), mapping={"last": now, "since": now - 3_600_000})

    def sweep(self, nonce=None):
        due, bells, _ = self.store.take_due(0, "one", nonce)
        self.bells += bells
        self.check()
        return due, bells

    def check(self):
        assert broken(self.client, self.store.keys.service) == []


@pytest.fixture
def bench(redis_url, redis_client, service):
    store = Store(service, Settings(redis_url=redis_url, lease=5.0, sweep=1.0, bells=2))
    yield Bench(store, Reader(store, service), redis_client)
    store.close()
