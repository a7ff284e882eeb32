"""One run of a graph, from its input to its end."""

from saltern_runtime.engine.one_process import InOneProcess, in_one_process
from saltern_runtime.store.views import RunView


def run_once(graph, given, *, redis_url):
    """Run a pipeline once, with the worker in this process and no broker."""
    with in_one_process(graph, redis_url=redis_url) as opened:
        started = opened.service.start(given, tenant="local", trigger="run")
        return opened.finish(started.run_id)


def finish_all(opened: InOneProcess, tenant: str) -> list[RunView]:
    """Work until no run of a tenant is open, and return them."""
    done: dict[str, RunView] = {}
    while left := [run.id for run in opened.service.list(tenant, limit=200).runs if run.id not in done]:
        done |= {run: opened.finish(run, 20) for run in reversed(left)}
    return list(done.values())
