"""Whether an input has no more than its pipeline's budget assumes: deadlines rest on it, so no run begins with more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saltern_runtime.errors import BrokenAssumptionError, PermanentError, pointer
from saltern_runtime.masking import MASK
from saltern_runtime.spec import Assumes, Json
from saltern_runtime.spec.types import Places


def broken(assumes: Sequence[Assumes], given: Json, secrets: Places = ()) -> Iterator[tuple[str, str]]:
    """Yield what an input breaks: where (a JSON Pointer), and how; of a secret it is said neither what nor how long it is."""
    for each in assumes:
        seen = each.seen(given)
        if seen > each.at_most:
            hidden = any(each.path[: len(place)] == place for place in secrets)
            at = f" ({each.place})" if each.place else ""
            said = MASK if hidden else str(seen)
            yield pointer(each.path), f"`{each.name}` is {said}, and at most {each.at_most:,.15g} is assumed{at}"


def require(pipeline: str, assumes: Sequence[Assumes], given: Json, secrets: Places = ()) -> None:
    """Raise PermanentError where what a pipeline hands to another one is more than that one assumes."""
    found = [why for _, why in broken(assumes, given, secrets)]
    if found:
        message = f"{pipeline!r} does not take its input: {'; '.join(found)}"
        raise PermanentError(message, code=BrokenAssumptionError.code)
