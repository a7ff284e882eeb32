"""One run of a graph, from its input to its end."""

from saltern_runtime.engine.service import in_one_process


def run_once(graph, given, *, redis_url):
    """Run a pipeline once, with the worker in this process and no broker."""
    with in_one_process(graph, redis_url=redis_url) as opened:
        started = opened.service.start(given, tenant="local", trigger="run")
        return opened.finish(started.run_id)
