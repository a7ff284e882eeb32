"""Every script is sent twice, as a client does that lost the reply: the second call answers what the first one did."""

import json

import pytest

from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.settings import Settings
from saltern_runtime.store.store import Store
from tests.runtime.engine.conftest import make_graph
from tests.runtime.loops.test_foreach import loop, nested
from tests.runtime.loops.test_wait import GRAPH
from tests.support.checker import broken, recorded_twice


def plain(reply):
    """Read what Lua wrote as JSON: the order of its keys is no one's promise."""
    parts = [part for text in reply for part in text.split("\0")]
    return [json.loads(part) if part[:1] == "{" else part for part in parts]


class Twice(Store):
    """Sends everything twice, and looks at both answers."""

    sent: tuple = ()

    def _send(self, shard, call, *args, **options):
        first = super()._send(shard, call, *args, **options)
        second = super()._send(shard, call, *args, **options)
        self.sent += (call.script,)
        assert plain(second) == plain(first), call
        assert broken(self.client, self.keys.service) == [], call
        return first


@pytest.mark.parametrize(
    ("stages", "given", "output"),
    [
        (loop(at_most=2), ["a", "b", "c"], [f"summaries[{index}]/page={item}" for index, item in enumerate("abc")]),
        (loop(at_most=1, on_error="continue"), ["a", "bad", "c"], ["summaries[0]/page=a", "summaries[2]/page=c"]),
        (nested("stop", "continue"), [[1, -1], [3, 4], []], [[3203, 3204], []]),
        (nested("collect", "stop"), [[1, -1]], None),
        (GRAPH, 0.05, [None, 0.05]),
    ],
)
def test_every_script_twice(redis_url, redis_client, service, stages, given, output):  # noqa: PLR0917 - fixtures
    """Nothing is recorded twice, no item is begun twice, no counter is off."""
    process = InOneProcess(make_graph(service, *stages), Settings(redis_url=redis_url, lease=5.0, sweep=0.02))
    store = Twice(service, process.service.settings)
    process.service.store = process.service.reader._store = process.sweeper._store = store
    process.engine.store = process.engine.leases.store = store
    run_id = process.service.start(given, tenant="acme", trigger="api").run_id
    view = process.finish(run_id, 20)
    assert view.state == "SUCCEEDED"
    assert output is None or view.output == output
    assert recorded_twice(redis_client, service, run_id) == []
    assert set(store.sent) >= {"create", "answer", "advance", "take_due"}
    process.service.close()
