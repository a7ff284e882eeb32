"""The Celery app, as of the other package."""

import os

from chaos_triage.moments import install

from chaos_hostile.graph import GRAPH
from saltern_runtime.engine.celery import Worker

if os.environ.get("CHAOS"):
    install()

worker = Worker(GRAPH)
app = worker.celery
for stage in GRAPH.stages:
    worker.register(stage, worker.answer)
