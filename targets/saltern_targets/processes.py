"""The processes that a service consists of, as every target that deploys them starts them: one image, three commands."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from saltern_compiler.ir.plan import Awaits, Plan
from saltern_compiler.ir.values import Literal, SecretRef, parts_of
from saltern_targets.names import package_name

PUBLIC_URL: Final = "SALTERN_PUBLIC_URL"
"""The address of the API, which links for answers begin with."""
ENCRYPTION_KEYS: Final = "SALTERN_ENCRYPTION_KEYS"
"""The keys that values at rest are sealed with, the same for all processes; without them nothing is sealed."""
USER: Final = 10001
"""Numeric, so that Kubernetes can see that it is not root; no entry in /etc/passwd is needed."""
PORT: Final = 8000
HEARTBEAT: Final = "/tmp/alive"  # noqa: S108 - the container's own, mounted as a temporary file system
"""What a live worker and live timers touch every few seconds."""
_LEAST: Final = 30
"""Seconds that a worker gets which answers nothing."""
_DRAIN: Final = 10
"""Seconds that the API gets for what is answered at once."""


def takes_answers(plan: Plan) -> bool:
    """Whether nodes wait for answers from outside, so that workers must know the API's address."""
    return any(isinstance(stage.ends, Awaits) for stage in plan.every_stage)


def addresses(plan: Plan) -> tuple[str, ...]:
    """Return the variables with addresses of the service itself that workers read."""
    return (PUBLIC_URL,) if takes_answers(plan) else ()


def slug(plan: Plan) -> str:
    """Return the service's name where `_` and capitals are not allowed: a DNS label of at most 40 characters."""
    return package_name(plan).lower().replace("_", "-").strip("-")[:40].rstrip("-") or "pipeline"


def api(plan: Plan) -> tuple[str, ...]:
    """Return the command of the HTTP API."""
    package = package_name(plan)
    serve = ("python", "-m", "uvicorn", "--factory", f"{package}:create_app", "--host", "0.0.0.0", "--port", str(PORT))  # noqa: S104 - inside a container
    return (*serve, "--timeout-graceful-shutdown", str(drain(plan)))


def worker(plan: Plan, *, concurrency: int = 4, queues: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the command of a worker; it answers all queues unless some are named, by their names in the broker."""
    start = ("python", "-m", "celery", "-A", f"{package_name(plan)}.tasks", "worker", "--concurrency", str(concurrency))
    named = ",".join(queues)
    return (
        *start,
        "--loglevel",
        "INFO",
        "--without-gossip",
        "--without-mingle",
        *(("--queues", named) if named else ()),
    )


def timers(plan: Plan) -> tuple[str, ...]:
    """Return the command of the timers; run two of them."""
    return ("python", "-m", "saltern_runtime.timers", package_name(plan), "--heartbeat", HEARTBEAT)


API_ALIVE: Final = ("python", "-m", "saltern_runtime.observe.health", f"http://127.0.0.1:{PORT}/healthz")
WORK_ALIVE: Final = ("python", "-m", "saltern_runtime.observe.health", HEARTBEAT)
"""For workers and timers alike."""


def grace(plan: Plan, queue: str = "") -> int:
    """Return the seconds that a worker gets to finish what it is doing; of one queue, or of all that it may answer."""
    plans = (plan, *(part.plan for part in plan.parts))
    return max((most for each in plans for name, most in each.grace if queue in ("", name)), default=_LEAST)


def drain(plan: Plan) -> int:
    """Return the seconds that the API gets to answer what it was asked: as long as a request may wait for its run."""
    waits = [
        value.value for trigger in plan.pipeline.triggers if isinstance(value := trigger.setting("respond"), Literal)
    ]
    longest = max((float(wait) for wait in waits if isinstance(wait, int | float)), default=0.0)
    return max(_DRAIN, math.ceil(longest) + _DRAIN if longest else 0)


def api_secrets(plan: Plan) -> tuple[str, ...]:
    """Return the environment variables that the API reads: what its webhooks are signed with."""
    return _variables(plan, ours=_references(plan, "triggers"), others=_references(plan, "connections"))


def worker_secrets(plan: Plan) -> tuple[str, ...]:
    """Return the environment variables that workers read: what connections log in with."""
    return _variables(plan, ours=_references(plan, "connections"), others=_references(plan, "triggers"))


def _variables(plan: Plan, *, ours: frozenset[str], others: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in plan.env if name in ours or name not in others)


def _references(plan: Plan, of: str) -> frozenset[str]:
    owners = plan.pipeline.triggers if of == "triggers" else plan.pipeline.connections
    values = [part for owner in owners for _, value in owner.settings for part in parts_of(value)]
    secrets = (plan.pipeline.secret(value.name) for value in values if isinstance(value, SecretRef))
    named = frozenset(secret.reference.removeprefix("env:") for secret in secrets if secret is not None)
    return named if of == "triggers" else named.union(plan.called_env)
