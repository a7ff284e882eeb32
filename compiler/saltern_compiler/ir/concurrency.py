"""How many runs go on at a time, as a pipeline's `concurrency` says: its members, as both notations read them.

key         a field of the input, or several: runs that have the same there count together
at_most     how many of them
then        what becomes of one more
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast, get_args

from saltern_compiler.ir.pipeline import Pipeline
from saltern_runtime.spec import Concurrency, Json, Over

CONCURRENCY: Final = "concurrency"
"""The setting of a pipeline."""
KEY: Final = "key"
AT_MOST: Final = "at_most"
THEN: Final = "then"
MEMBERS: Final = (KEY, AT_MOST, THEN)
"""In the order in which they are written."""
WAYS: Final = get_args(Over)
"""What may stand behind `then`."""


def given(pipeline: Pipeline) -> Mapping[str, Json] | None:
    """Return what a pipeline says; None where its runs go on side by side."""
    found = dict(pipeline.settings).get(CONCURRENCY)
    return found if isinstance(found, dict) else None


def keys(said: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the fields that it counts by."""
    key = said.get(KEY, [])
    return (key,) if isinstance(key, str) else tuple(key)


def concurrency(pipeline: Pipeline) -> Concurrency | None:
    """Return what the runtime is told."""
    said = given(pipeline)
    if said is None:
        return None
    return Concurrency(int(said.get(AT_MOST, 1)), keys(said), cast("Over", said.get(THEN, "queue")))
