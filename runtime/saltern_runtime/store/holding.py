"""What a run that goes on after its end holds by reference, its files, and a key of it in another shard, are kept as long as the run will be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from pydantic import ValidationError

from saltern_runtime.files import File
from saltern_runtime.store.failures import SealedValueError, ValueGoneError
from saltern_runtime.store.files import Shelf
from saltern_runtime.store.keys import ANSWER
from saltern_runtime.store.link import Link
from saltern_runtime.store.payloads import MARK, PayloadGoneError
from saltern_runtime.store.records import Record, Round
from saltern_runtime.store.values import Values

_PAGE: Final = 200
"""Fields that one round trip reads."""
_NONCE: Final = re.compile(r"[0-9a-f]+\|")
"""What an answer begins with."""
_NAMES: Final = frozenset({"name", "media_type", "size", "sha256"})
_MARK: Final = '"sha256"'
"""Stands in JSON text that names a file."""
_FIELDS: Final = ("tenant", "ended", "deadline", "created", "span", "reserved", "retention", "known")


def hold_payloads(link: Values, run_id: str, tenant: str | None) -> frozenset[str]:
    """Keep the payloads and files of a tenant's run (None: any) that is over for its time and its retention, from now on.

    What is gone already is passed over, and so are files in what cannot be opened here: whoever reads it says so. Returns which values of
    its nodes are gone.
    """
    key = link.keys.run(run_id)
    known: Any = link.patiently(lambda: link.at(key).hmget(key, _FIELDS))
    of = dict(zip(_FIELDS, known, strict=True))
    if of["tenant"] is None or of["ended"] is None or tenant not in (None, of["tenant"]):
        return frozenset()
    span = float(of["span"] or 0) or float(of["deadline"]) - float(of["created"])
    keep = (span + float(of["reserved"] or 0) + float(of["retention"])) / 1000
    if of["known"]:
        _hold_key(link, of["known"], keep)
    regions = [path for path, text in _fields(link, f"{key}:acts") if Record.CURSOR in _record(text)]
    shelf, held, gone = Shelf(link), set[File](), set[str]()
    for path in (None, *regions):
        place = f"{key}:vals" if path is None else f"{key}:each:{path}"
        yielded = "" if path is None else link.yielded(place)
        for name, text in _fields(link, place):
            if not _hold(link, place, name, text, keep) and path is None:
                gone.add(name)
            places = (name,) if path is None else _places(path, name, yielded)
            for file in _files(link, run_id, name, text, places) if places else ():
                if file not in held:
                    held.add(file)
                    with suppress(SealedValueError):
                        shelf.hold(of["tenant"], file, keep)
    return frozenset(gone)


def _hold_key(link: Link, known: str, keep: float) -> None:
    """Keep an idempotency key that another shard knows, so that who sends the run's first request again is still led to it."""
    key = link.keys.idempotency(known, link.settings.shards)
    link.patiently(lambda: link.at(key).pexpire(key, int(keep * 1000), gt=True))


def _places(path: str, name: str, yielded: str) -> tuple[str, ...]:
    """Return for which places a value of a round of a region may be sealed; none for what is no value."""
    index = f"[{name[1:]}]"
    match name[0]:
        case Round.ITEM:
            return (f"{path}{index}",)
        case Round.YIELDED:
            return yielded.replace("[*]", index), f"{path}{index}"
    return ()


def _files(link: Values, run_id: str, name: str, text: str, places: tuple[str, ...]) -> Iterator[File]:
    """Yield the files that a value names, wherever in it."""
    text = text.partition("|")[2] if name.endswith(ANSWER) else text
    with suppress(PayloadGoneError, ValueGoneError, SealedValueError):
        written = link.inside(text, run_id, *places)
        waits = [json.loads(written)] if _MARK in written else []
        while waits:
            found = waits.pop()
            if isinstance(found, dict) and found.keys() == _NAMES:
                with suppress(ValidationError):
                    yield File(**found)
            waits += found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()


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
