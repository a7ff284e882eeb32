"""What a run that goes on after its end holds by reference is kept as long as the run will be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from saltern_runtime.store.keys import ANSWER
from saltern_runtime.store.link import Link
from saltern_runtime.store.payloads import MARK, PayloadGoneError
from saltern_runtime.store.records import Record

_PAGE: Final = 200
"""Fields that one round trip reads."""
_NONCE: Final = re.compile(r"[0-9a-f]+\|")
"""What an answer begins with."""
_FIELDS: Final = ("tenant", "ended", "deadline", "created", "span", "reserved", "retention")


def hold_payloads(link: Link, run_id: str, tenant: str | None) -> frozenset[str]:
    """Keep the payloads of a tenant's run (None: any) that is over for its time and its retention, from now on.

    What is gone already is passed over, since whoever reads it says so; returns which of its nodes' values that were.
    """
    key = link.keys.run(run_id)
    known: Any = link.patiently(lambda: link.at(key).hmget(key, _FIELDS))
    of = dict(zip(_FIELDS, known, strict=True))
    if of["tenant"] is None or of["ended"] is None or tenant not in (None, of["tenant"]):
        return frozenset()
    span = float(of["span"] or 0) or float(of["deadline"]) - float(of["created"])
    keep = (span + float(of["reserved"] or 0) + float(of["retention"])) / 1000
    regions = [path for path, text in _fields(link, f"{key}:acts") if Record.CURSOR in _record(text)]
    gone = {
        (place, name)
        for place in (f"{key}:vals", *(f"{key}:each:{path}" for path in regions))
        for name, text in _fields(link, place)
        if not _hold(link, place, name, text, keep)
    }
    return frozenset(name for place, name in gone if place == f"{key}:vals")


def _hold(link: Link, place: str, name: str, text: str, keep: float) -> bool:
    """Keep the payload that a value refers to, if any; where it moves for that, so does the reference. False where it is gone."""
    before, mark, reference = text.rpartition(MARK) if text.startswith(MARK) or name.endswith(ANSWER) else ("", "", "")
    if not mark or (before and not _NONCE.fullmatch(before)):
        return True
    try:
        held = link.patiently(lambda: link.payloads.hold(reference, keep))
    except PayloadGoneError:
        return False
    if held != reference and link.patiently(lambda: link.at(place).exists(place)):
        link.patiently(lambda: link.at(place).hset(place, name, f"{before}{MARK}{held}"))
    return True


def _fields(link: Link, key: str) -> Iterator[tuple[str, str]]:
    found: Any = link.patiently(lambda: list(link.at(key).hscan_iter(key, count=_PAGE)))
    yield from found


def _record(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else {}
