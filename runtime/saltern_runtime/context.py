"""What a node's callable gets of its surroundings: its run, its connection, and the mark of what did not run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeVar, cast

from saltern_runtime.files import Files
from saltern_runtime.spec import Limits
from saltern_runtime.spec.limits import MAX_PAYLOAD
from saltern_runtime.spec.networks import NO_NETWORK, NetworkList

F = TypeVar("F", bound=Callable[..., Any])


class Skipped(Enum):
    """The type of `SKIPPED`."""

    SKIPPED = "skipped"

    def __repr__(self) -> str:
        return "SKIPPED"


SKIPPED: Final = Skipped.SKIPPED
"""Stands for the value of a node that did not run."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a node may know of its run; the same in every attempt and replay."""

    id: str
    tenant: str
    started_at: datetime
    """UTC."""
    links: Callable[[str], str] | None = field(default=None, repr=False, compare=False)
    """Node id → the address at which its answer is taken."""

    def callback(self, node: str) -> str:
        """Return the address at which a node of this run that waits for an answer takes it."""
        if self.links is None:
            raise RuntimeError("a run that no engine carries out has no address")
        return self.links(node)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a node asks the world before its run goes on."""

    text: str = ""
    """What a person reads; empty where a program answers."""
    deadline: timedelta | None = None
    """How long there may be no answer; None: as long as the run may last."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connector's settings under a name.

    `secrets` maps a setting, or a member of one (`headers.X-Api-Key`), to a reference such as `env:SLACK_TOKEN`.
    """

    name: str
    connector: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    limits: Limits | None = None

    def secret(self, setting: str) -> str:
        """Read a secret now; raises MissingSecretError where the environment lacks it."""
        reference = self.secrets[setting]
        name = reference.removeprefix("env:")
        value = os.environ.get(name)
        if value is None:
            raise MissingSecretError(f"connection {self.name!r} needs the environment variable {name}")
        return value


class MissingSecretError(RuntimeError):
    """A secret's reference leads nowhere; permanent until an operator sets it."""


@dataclass(slots=True)
class Context:
    """What a node's callable gets of its surroundings."""

    run: RunInfo
    node: str
    path: str
    """The activation: `classify`, `summaries[17]/page`."""
    attempt: int
    connection: Connection | None
    deadline: float
    """`time.monotonic()` at which this attempt is over."""
    max_payload: int = MAX_PAYLOAD
    """Bytes that an answer from outside may have."""
    private_networks: NetworkList = NO_NETWORK
    """What may be reached by an address that a run chooses, beside what is public."""
    epoch: int = 0
    files: Files | None = field(default=None, repr=False)
    """Where the bytes of files are; None where nothing stores any."""
    recall: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None
    """Puts the cache before a callable; None where the node has none."""
    _calls: int = 0

    def cached(self, function: F) -> F:
        """Return a function that first asks what this one gave for the same arguments, where the node is cached; else this one."""
        return function if self.recall is None else cast("F", self.recall(function))

    def effect_key(self) -> str:
        """Return a stable idempotency key for the next outbound call: tenant, run, path, call number, epoch; never the attempt."""
        self._calls += 1
        return f"{self.run.tenant}:{self.run.id}:{self.path}:{self.node}:{self._calls}:{self.epoch}"
