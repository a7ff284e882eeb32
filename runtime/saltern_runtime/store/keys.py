"""Names of the keys: `saltern:v1:<service>:{<shard>}:…`. A run's id carries its shard, so that one script reaches all of it."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

ANSWER: Final = "?"
"""Behind an activation's path: where the answer that it waits for is kept, among the values (claims.lua)."""
FAILURE: Final = "!"
"""Behind a node's id: where its failure is kept, among the values."""
OUTPUT: Final = "return"
"""Where among the values a run's output is kept."""
RESPONSE: Final = ">"
"""Where among the values what answers the request that started the run is kept."""
PREFIX: Final = "saltern:v1:"
"""What every key begins with."""
_RUN_ID: Final = re.compile(r"(\d{1,4})-[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Keys:
    """The key space of one service."""

    service: str

    def shard(self, shard: int) -> str:
        """Return the prefix of a shard's keys; its braces are the hash tag."""
        service = self.service.replace("{", "(").replace("}", ")")
        return f"{PREFIX}{service}:{{{shard}}}:"

    def run(self, run_id: str, part: str = "") -> str:
        """Return a key of a run; part is empty, `:acts`, `:vals` or `:events`."""
        return f"{self.shard(shard_of(run_id) or 0)}run:{run_id}{part}"

    def idempotency(self, digest: str, shards: int) -> str:
        """Return where an idempotency key is kept that has this digest."""
        return f"{self.shard(int(digest, 16) % shards)}idem:{digest}"


def shard_of(run_id: str) -> int | None:
    """Return the shard that a run's id carries; None where it is no run's id."""
    match = _RUN_ID.fullmatch(run_id)
    return int(match[1]) if match else None


def new_run_id(shard: int) -> str:
    """Mint a run's id."""
    return f"{shard}-{secrets.token_hex(12)}"


def tick_id(schedule: str, tick: int, shard: int) -> str:
    """Return the id of a schedule's run at a tick (Unix ms): the same for every timer, so that one run comes of it."""
    return f"{shard}-{digest_of('sched', schedule, str(tick))[:24]}"


def child_id(run_id: str, path: str, shards: int, epoch: int = 0, shard: int | None = None) -> str:
    """Return the id of the run that an activation of another one makes: the same in each of its attempts, so that one run comes of it.

    Where the activation is begun anew, in another epoch, that makes a run of its own. `shard`: where it must live, where that matters.
    """
    digest = digest_of("start", run_id, path, *([str(epoch)] if epoch else []))
    return f"{int(digest[24:32], 16) % shards if shard is None else shard}-{digest[:24]}"


def new_nonce() -> str:
    """Mint what tells one claim from every other."""
    return secrets.token_hex(8)


def digest_of(*parts: str) -> str:
    """Hash several texts into one name; no two lists of texts share it."""
    joined = b"".join(len(raw).to_bytes(8, "big") + raw for raw in (part.encode() for part in parts))
    return hashlib.sha256(joined).hexdigest()


def short_of(plan: str) -> str:
    """Return the short form of a plan's digest: how people, queues and Deployments call a version."""
    return plan.removeprefix("sha256:")[:8]


def queue_name(plan: str, queue: str) -> str:
    """Return a stage queue's full name: it carries the plan's short form, so that old and new workers run side by side."""
    return f"{short_of(plan)}.{queue.replace('|', '_')}"
