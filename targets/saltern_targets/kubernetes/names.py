"""Names that Kubernetes accepts, made of names that it may not: no two names share one."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from saltern_compiler.ir.plan import Plan

APP: Final = 32
"""Characters of a service's name, at most: it is a namespace, and what all its objects' names begin with."""
OBJECT: Final = 52
"""Characters of a Deployment's name, at most: its pods' names, 11 longer, are host names."""
_HASH: Final = 6
_RESERVED: Final = re.compile(r"default|kube|kube-.*|openshift.*|saltern")
"""Namespaces that are somebody else's."""


def app_name(plan: Plan) -> str:
    """Return the service's name in the cluster."""
    return plan.once(_app_name)


def _app_name(plan: Plan) -> str:
    return label(plan.pipeline.name, APP, reserved=_RESERVED)


def label(text: str, limit: int = 63, *, reserved: re.Pattern[str] | None = None) -> str:
    """Return a DNS label (RFC 1035: lower-case letters, digits, `-`, a letter first) for any text.

    `_` becomes `-`; whatever else has to change, or is too long, gets a part of the text's hash, so that no two texts meet.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not plain[:1].isalpha() or (reserved is not None and reserved.fullmatch(plain)):
        plain = f"pipeline-{plain}".strip("-")
    elif plain.replace("-", "_") == text and len(plain) <= limit:
        return plain
    tail = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{plain[: limit - _HASH - 1].rstrip('-')}-{tail}"


def object_name(*parts: str, limit: int = OBJECT) -> str:
    """Join parts, each a DNS label, to the name of an object; a long one is cut and gets a part of its hash."""
    whole = "-".join(parts)
    if len(whole) <= limit:
        return whole
    tail = hashlib.sha256("/".join(parts).encode()).hexdigest()[:_HASH]
    return f"{whole[: limit - _HASH - 1].rstrip('-')}-{tail}"


def short_digest(plan: Plan) -> str:
    """Return the plan digest's short form, as the runtime has it in the names of queues."""
    return plan.digest.removeprefix("sha256:")[:8]


def broker_queue(plan: Plan, queue: str) -> str:
    """Return the name that a stage queue has in the broker."""
    return f"{plan.pipeline.name}.{short_digest(plan)}.{queue.replace('|', '_')}"
