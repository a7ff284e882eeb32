"""Graphs made in tests, and a service with its worker in this process."""

from functools import partial

import pytest

from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.settings import Settings
from saltern_runtime.spec.limits import RETENTION
from tests.support.checker import broken, recorded_twice
from tests.support.graphs import graph_of

make_graph = partial(graph_of, plan="ab12cd34" * 8)


class Local:
    """Opens services in this process and looks after their invariants."""

    def __init__(self, url, name, client):
        self.url, self.name, self.client = url, name, client
        self.opened = []

    def open(self, *stages, connections=(), deadline=60.0, retention=RETENTION, retained=None, **settings):
        fields = {"redis_url": self.url, "lease": 1.0, "sweep": 0.02, "socket_timeout": 5.0} | settings
        ends = {"deadline": deadline, "retention": retention, "retained": retained or {}}
        graph = make_graph(self.name, *stages, connections=connections, **ends)
        self.opened.append(InOneProcess(graph, Settings(**fields)))
        return self.opened[-1]

    def run(self, *stages, given=1, **options):
        """Run a graph once and return the run."""
        process = self.open(*stages, **options)
        run_id = process.service.start(given, tenant="acme", trigger="api").run_id
        view = process.finish(run_id, 20)
        assert broken(self.client, self.name) == []
        assert recorded_twice(self.client, self.name, run_id) == []
        return view


@pytest.fixture
def local(redis_url, redis_client, service):
    made = Local(redis_url, service, redis_client)
    yield made
    for each in made.opened:
        each.service.close()
