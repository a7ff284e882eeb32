"""What people write before they have us: a FastAPI endpoint that calls `delay()`, from a thread as FastAPI advises for calls that block, or in the loop."""

import os

from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel

tasks = Celery("bare", broker=os.environ.get("SALTERN_REDIS_URL", "redis://"))
tasks.conf.update(task_ignore_result=True)
app = FastAPI()


class Input(BaseModel):
    """As the pipeline's."""

    value: int


@tasks.task
def step(value: int) -> int:
    """Add one."""
    return value + 1


@app.post("/thread", status_code=202)
def in_thread(body: Input) -> dict[str, str]:
    """Send a task from a thread."""
    return {"id": step.delay(body.value).id}


@app.post("/loop", status_code=202)
async def in_loop(body: Input) -> dict[str, str]:
    """Send a task while the loop waits."""
    return {"id": step.delay(body.value).id}
