"""What stands for secrets where values are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from saltern_runtime.spec import Json
from saltern_runtime.spec.types import Places

MASK: Final = "[secret]"


def masked(value: Json, places: Places) -> Json:
    """Return a value with `MASK` at places; null, and what is not there, stays."""
    here = {place[0]: [rest for first, *rest in places if first == place[0]] for place in places if place}
    if isinstance(value, dict):
        return {key: _part(part, (*here.get(key, ()), *here.get(None, ()))) for key, part in value.items()}
    if isinstance(value, list):
        return [_part(part, here.get(None, ())) for part in value]
    return value


def _part(value: Json, places: Iterable[list[str | None]]) -> Json:
    inside = [tuple(place) for place in places]
    if () in inside:
        return None if value is None else MASK
    return masked(value, tuple(inside)) if inside else value
