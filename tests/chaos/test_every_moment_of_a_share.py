"""SIGKILL before and after every script call of a run that shares its queue, and a line, with another tenant's backlog."""

from tests.chaos.test_every_moment import each_death
from tests.chaos.test_every_moment_of_a_limit import make_graph


def test_killed_everywhere_among_tenants(here):
    """Wherever a worker dies, the run goes on, the other tenant's too, places and counts hold, and nobody is left in a count."""
    rescuer = here("chaos_share", make_graph("chaos_share"), lease=0.12, sweep=0.02)
    service = rescuer.service
    client, prefix = service.store.client, service.store.keys.shard(0)
    rescuer.finish(service.start(None, tenant="other", trigger="api").run_id, 20)
    beside = service.start(None, tenant="other", trigger="api").run_id
    for run_id in each_death(rescuer, more_than=15):
        for run in (run_id, beside):
            view = rescuer.finish(run, 20)
            assert (view.state, view.output) == ("SUCCEEDED", [1, 2, 3])
        assert client.hget(service.store.keys.run(run_id), "shared") == "1"
        assert not client.exists(f"{prefix}tenants", f"{prefix}lines")
        beside = service.start(None, tenant="other", trigger="api").run_id
