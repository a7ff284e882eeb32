"""Numbers that the compiler, generated code and the engine must agree on, each with its unit and its reason."""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = 64
"""Entries that one script of the store touches, at most, so that none does unbounded work and Redis answers everyone: nodes of a
stage, dependants of a stage (relays stand beyond it), rounds of a region at the same time, items put down in one call."""
LEASE: Final = 30.0
"""Seconds that a claim lasts without being extended."""
DEADLINE: Final = 3600.0
"""Seconds from the start of a run to its end, at the latest, where a pipeline does not say."""
RETENTION: Final = 604_800.0
"""Seconds that an ended run is kept, where a pipeline does not say: a week."""
LONGEST_ASKED: Final = 3600.0
"""Seconds for which another side may ask to be left alone (`Retry-After`), at most, unless a policy waits longer by itself."""
MAX_PAYLOAD: Final = 1_048_576
"""Bytes of one stored value, and of an answer from outside, where an operator does not say."""
