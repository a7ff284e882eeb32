"""A package whose workers are killed, as a generated one is laid out: `graph` for the timers, `app` for Celery."""

from bench.runtime_peers.mortal.graph import GRAPH
from bench.runtime_peers.ours import make_worker

app = make_worker(GRAPH).celery
