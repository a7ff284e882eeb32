"""The Celery app; with `CHAOS` set its processes may be told to kill themselves."""

import os

from chaos_triage.graph import GRAPH
from chaos_triage.moments import install
from saltern_runtime.engine.celery import Worker

if os.environ.get("CHAOS"):
    install()

worker = Worker(GRAPH)
app = worker.celery
for stage in GRAPH.stages:
    worker.register(stage, worker.answer)
