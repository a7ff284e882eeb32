"""Values as the store keeps them: sealed where there are keys, by reference where they are large; what regions and waits left; the cache."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from saltern_runtime.store.calls import Claim
from saltern_runtime.store.failures import SealedValueError, StoreUnfitError, ValueGoneError
from saltern_runtime.store.keys import ANSWER
from saltern_runtime.store.link import Link
from saltern_runtime.store.payloads import MARK
from saltern_runtime.store.records import BODY, Round
from saltern_runtime.store.sealing import MARK as SEALED

_READ: Final = 500
"""Items that one call reads, at most."""
CACHED: Final = "cache"
"""The place of a cached value, whose owner is its key."""
_FAILURE: Final = ("message",)
"""What of a failure is sealed."""


class Values(Link):
    """Keeps and gives values of runs."""

    def answer_to(self, claim: Claim) -> str:
        """Return the answer (JSON text) that an activation waited for."""
        key, field = self.keys.run(claim.run, ":vals"), f"{claim.path}{ANSWER}"
        text: Any = self.patiently(lambda: self.at(key).hget(key, field))
        if text is None:
            raise StoreUnfitError("the answer that a node waited for is gone")
        return self.inside(text.partition("|")[2], claim.run, field)

    def signing_key(self, shard: int) -> bytes:
        """Return the key that links to the runs of a shard are signed with; whoever asks first makes it."""
        if shard not in self._signing:
            name, made = f"{self.keys.shard(shard)}signing", secrets.token_hex(32)

            def once() -> str:
                with self.at(name).pipeline(transaction=True) as pipe:
                    pipe.set(name, made, nx=True)
                    pipe.get(name)
                    return str(pipe.execute()[1])

            self._signing[shard] = bytes.fromhex(self.patiently(once))
        return self._signing[shard]

    def results(self, claim: Claim, *, errors: bool) -> Iterator[tuple[str | None, str | None]]:
        """Yield what each item of an opened region gave, in order: its yield or None, and (with `errors`) its failure."""
        key = self.keys.run(claim.run, f":each:{claim.path}")
        yielded = self.yielded(key)
        for first in range(0, claim.items, _READ):
            indexes = range(first, min(first + _READ, claim.items))
            names = [f"{Round.YIELDED}{index}" for index in indexes]
            names += [f"{Round.FAILED}{index}" for index in indexes] if errors else []
            got: Any = self.patiently(lambda names=names: self.at(key).hmget(key, names))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            failures = got[len(indexes) :] if errors else [None] * len(indexes)
            for index, value, failure in zip(indexes, got, failures, strict=False):
                text = None if value is None else self.inside(value, claim.run, yielded.replace("[*]", f"[{index}]"))
                yield text, None if failure is None else self.seals.shown_text(failure, claim.run)

    def state(self, claim: Claim) -> str:
        """Return the state that the last round of a region left."""
        last = claim.items - 1
        key, field = self.keys.run(claim.run, f":each:{claim.path}"), f"{Round.YIELDED}{last}"
        text: Any = self.patiently(lambda: self.at(key).hget(key, field))
        if text is None:
            raise StoreUnfitError("the state that a loop carries on is gone")
        handed_on = self.yielded(key).replace("[*]", f"[{last}]")
        return self.inside(text, claim.run, handed_on, f"{claim.path}[{last}]")

    def yielded(self, key: str) -> str:
        """Return the place among the values from which a region takes what a round gave, with `[*]` for the index."""
        if not self.seals:
            return ""
        text: Any = self.patiently(lambda: self.at(key).hget(key, BODY))
        return "" if text is None else str(json.loads(text)["result"])

    def recall(self, key: str) -> str | None:
        """Return what is cached under a key (the hex digest of what was asked); None where nothing is. Asks once."""
        place = self._cached(key)
        text: Any = self.patiently(lambda: self.at(place).get(place), patience=0)
        return None if text is None else self.inside(str(text), self._owner(key), CACHED)

    def keep_value(self, key: str, text: str, seconds: float) -> None:
        """Cache a value. Its payload outlives it, and belongs to it alone: a run's own may be kept for longer."""
        text = self._outside(self._owner(key), CACHED, text, seconds + 60.0)
        place = self._cached(key)
        self.patiently(lambda: self.at(place).set(place, text, px=max(1, int(seconds * 1000))), patience=0)

    def _owner(self, key: str) -> str:
        return f"{int(key[:8], 16) % self.settings.shards}-{key[:24]}"  # as a run's id, which names the shard

    def _cached(self, key: str) -> str:
        return f"{self.keys.shard(int(key[:8], 16) % self.settings.shards)}cache:{key}"

    def _kept(self, claim: Claim, place: str, text: str) -> str:
        """Keep a value for as long as the claim's run is kept."""
        return self._outside(claim.run, place, text, claim.time_left + claim.retention)

    def _claimed(self, claim: Claim) -> Claim:
        """Return a claim with what it reads fetched and opened; raises PayloadsUnreachableError."""
        if claim.failure:
            claim = replace(claim, failure=self.seals.shown_text(claim.failure, claim.run))
        if not any(value.startswith((MARK, SEALED)) for value in claim.values.values()):
            return claim
        try:
            return replace(
                claim, values={name: self.inside(value, claim.run, name) for name, value in claim.values.items()}
            )
        except ValueGoneError:
            return claim.without_values()
        except SealedValueError as error:
            return claim.without_values("sealed", str(error))

    def _hidden(self, run_id: str, failure: str) -> str:
        """Seal what a failure (JSON text) says."""
        return self.seals.hidden(failure, run_id, *_FAILURE)
