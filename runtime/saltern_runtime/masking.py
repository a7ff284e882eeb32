"""What stands for secrets and personal fields where values are shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from saltern_runtime.spec import Json
from saltern_runtime.spec.types import Places

MASK: Final = "[secret]"
PERSONAL: Final = "[personal]"
SHORTEST: Final = 4
"""Characters of a secret that is looked for in texts, at least: what is shorter stands in too many words."""


class Hidden(NamedTuple):
    """Where what is shown of a run holds what is not to be: secrets and personal fields of its input, personal ones of its output."""

    secrets: Places = ()
    personal: Places = ()
    output: Places = ()

    def without(self, given: Json) -> Json:
        """Return an input as it is shown."""
        return masked(masked(given, self.personal, PERSONAL), self.secrets)


NOTHING: Final = Hidden()


def masked(value: Json, places: Places, mask: str = MASK) -> Json:
    """Return a value with a mask at places; null, and what is not there, stays."""
    if () in places:
        return None if value is None else mask
    here = {place[0]: [rest for first, *rest in places if first == place[0]] for place in places if place}
    if isinstance(value, dict):
        return {key: _part(part, (*here.get(key, ()), *here.get(None, ())), mask) for key, part in value.items()}
    if isinstance(value, list):
        return [_part(part, here.get(None, ()), mask) for part in value]
    return value


def without(text: str, value: Json, places: Places, mask: str = MASK) -> str:
    """Return a text with a mask for each secret of a value that stands in it, as it is or as Python or JSON writes it."""
    found = {
        form for secret in _secrets(value, places) for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1])
    }
    for form in sorted(found, key=lambda each: (-len(each), each)):
        text = text.replace(form, mask)
    return text


def _secrets(value: Json, places: Places) -> Iterator[str]:
    """Yield the texts and numbers at places, of `SHORTEST` characters at least; keys of an object that is one too."""
    for place in places:
        todo = [(value, place)]
        while todo:
            at, rest = todo.pop()
            if isinstance(at, dict):
                keys = at if not rest or rest[0] is None else [key for key in at if key == rest[0]]
                if not rest:
                    yield from (key for key in at if len(key) >= SHORTEST)
                todo += [(at[key], rest[1:]) for key in keys]
            elif isinstance(at, list):
                todo += [(each, rest[1:]) for each in at]
            elif (
                not rest and isinstance(at, str | int | float) and not isinstance(at, bool) and len(str(at)) >= SHORTEST
            ):
                yield str(at)


def _part(value: Json, places: Iterable[list[str | None]], mask: str) -> Json:
    inside = tuple(map(tuple, places))
    return masked(value, inside, mask) if inside else value
