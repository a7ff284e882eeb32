"""Where values live that are too big for a run's hash."""

from __future__ import annotations

from typing import Final, Protocol

from redis import Redis

from saltern_runtime.store.keys import Keys, digest_of, shard_of

INLINE: Final = 32 * 1024
"""Bytes of a value that stay in the run's hash; JSON text never begins with the mark of a reference."""
MARK: Final = "@"


class PayloadStore(Protocol):
    """Keeps big values; `put` of the same text for the same run answers the same reference, so it may be sent twice."""

    def put(self, run_id: str, text: str, keep: float) -> str:
        """Keep a text for `keep` seconds and return its reference, which is short and has no line breaks."""

    def get(self, reference: str) -> str | None:
        """Return the text; None once it is gone."""


class RedisPayloads:
    """Keeps them in the same Redis, beside the run."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def put(self, run_id: str, text: str, keep: float) -> str:
        """See PayloadStore."""
        key = f"{self._keys.shard(shard_of(run_id) or 0)}payload:{digest_of(run_id, text)[:32]}"
        self._client.set(key, text, px=max(1, int(keep * 1000)))
        return key

    def get(self, reference: str) -> str | None:
        """See PayloadStore."""
        payload = self._client.get(reference)
        return None if payload is None else str(payload)
