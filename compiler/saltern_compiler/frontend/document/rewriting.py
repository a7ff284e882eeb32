"""Rewrites members of a document's objects in its text: what is not named stays as it is, layout and unknown keys among it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Final

from saltern_compiler.frontend.document.jsontext import Place, Scan, escape, scan_json
from saltern_compiler.frontend.moves import Replaced
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_COLON: Final = re.compile(r"\s*:\s*")


@dataclass
class Rewriter:
    """One text, its value, and the changes that were asked for. Each value is changed once."""

    text: str
    yaml: bool
    changes: list[Replaced] = field(default_factory=list)

    def has(self, pointer: str) -> bool:
        """Whether a value stands there."""
        return pointer in self._places

    def put(self, pointer: str, value: Json) -> None:
        """Replace a value."""
        place = self._places[pointer]
        self.changes.append(Replaced(place.start, place.end, self._apart(place) + _json(value)))

    def rename(self, pointer: str, key: str) -> None:
        """Give a member another key."""
        place = self._places[pointer]
        is_plain = self.text[place.key_start] not in "\"'"
        self.changes.append(Replaced(place.key_start, place.key_end, _plain(key) if is_plain else _json(key)))

    def drop(self, pointer: str, keys: Iterable[str | int]) -> None:
        """Take members out of an object, or items out of a list."""
        gone = {f"{pointer}/{escape(str(key))}" for key in keys}
        inside = self._inside(pointer)
        whole = self._places[pointer]
        if gone >= {*inside}:
            self.changes.append(Replaced(whole.start, whole.end, "[]" if self._is_list(pointer) else "{}"))
            return
        places = [self._places[each] for each in inside]
        kept = False
        for at, each in enumerate(inside):
            if each not in gone:
                kept = True
            elif not self._is_flow(whole):
                self.changes.append(self._lines(places[at]))
            elif kept:
                self.changes.append(Replaced(places[at - 1].end, places[at].end, ""))
            else:
                self.changes.append(Replaced(_first(places[at]), _first(places[at + 1]), ""))

    def add(self, pointer: str, members: Mapping[str, Json], after: str | None = None) -> None:
        """Give an object more members, behind one of its own or at its end, set as the one before."""
        if not members:
            return
        inside = self._inside(pointer)
        whole = self._places[pointer]
        if not inside:
            self.changes.append(Replaced(whole.start, whole.end, _json(dict(members))))
            return
        behind = self._places[inside[-1] if after is None else f"{pointer}/{escape(after)}"]
        if not self._is_flow(whole):
            self._add_lines(behind, members)
            return
        space = self._before(behind)
        colon = _colon(self.text, behind)
        if not space and colon.endswith(" "):
            space = " "
        is_plain = self.text[behind.key_start] not in "\"'"
        names = {key: _plain(key) if is_plain else _json(key) for key in members}
        written = "".join(f",{space}{names[key]}{colon}{_json(value)}" for key, value in members.items())
        self.changes.append(Replaced(behind.end, behind.end, written))

    def first(self, key: str, value: Json) -> None:
        """Give the document another member, before all others."""
        inside = self._inside("")
        whole = self._places[""]
        if not inside:
            self.changes.append(Replaced(whole.start, whole.end, _json({key: value})))
            return
        place = self._places[inside[0]]
        if not self._is_flow(whole):
            column = place.key_start - (self.text.rfind("\n", 0, place.key_start) + 1)
            self.changes.append(
                Replaced(
                    place.key_start, place.key_start, f"{_plain(key)}: {_json(value)}{self._newline}{' ' * column}"
                )
            )
            return
        colon = _colon(self.text, place)
        space = self._before(place) or " " * colon.endswith(" ")
        self.changes.append(Replaced(place.key_start, place.key_start, f"{_json(key)}{colon}{_json(value)},{space}"))

    @cached_property
    def _scan(self) -> Scan:
        if not self.yaml:
            return scan_json(self.text)
        from saltern_compiler.frontend.document.yamltext import scan_yaml  # noqa: PLC0415 - JSON needs no YAML

        return scan_yaml(self.text)

    @property
    def _places(self) -> Mapping[str, Place]:
        return self._scan.places

    @cached_property
    def _children(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for pointer, _ in sorted(self._places.items(), key=lambda each: each[1].start):
            if pointer:
                found.setdefault(pointer.rpartition("/")[0], []).append(pointer)
        return found

    def _inside(self, pointer: str) -> Sequence[str]:
        return self._children.get(pointer, ())

    def _is_list(self, pointer: str) -> bool:
        inside = self._inside(pointer)
        return bool(inside) and self._places[inside[0]].key_start < 0

    def _is_flow(self, place: Place) -> bool:
        return self.text[place.start] in "{["

    @cached_property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _apart(self, place: Place) -> str:
        """Return what a key of YAML lacks that has no value, and maybe no colon."""
        if place.start < place.end or place.key_start < 0:
            return ""
        return " " if ":" in self.text[place.key_end : place.start] else ": "

    def _before(self, place: Place) -> str:
        """Return the white space before a member's key."""
        at = place.key_start
        while at and self.text[at - 1].isspace():
            at -= 1
        return self.text[at : place.key_start]

    def _lines(self, place: Place) -> Replaced:
        """Return what takes a member of a block of YAML away: its lines, where nothing else stands on them."""
        first, end = _first(place), _end(self.text, place)
        line, after = self.text.rfind("\n", 0, first) + 1, self.text.find("\n", end)
        after = len(self.text) - 1 if after < 0 else after
        if not self.text[line:first].strip() and not self.text[end:after].strip():
            return Replaced(line, after + 1, "")
        return Replaced(first, end, "")

    def _add_lines(self, behind: Place, members: Mapping[str, Json]) -> None:
        end = _end(self.text, behind)
        line = self.text.find("\n", end)
        at = len(self.text) if line < 0 else line - self.text.endswith("\r", 0, line)
        column = behind.key_start - (self.text.rfind("\n", 0, behind.key_start) + 1)
        written = "".join(
            f"{self._newline}{' ' * column}{_plain(key)}: {_json(value)}" for key, value in members.items()
        )
        self.changes.append(Replaced(at, at, written))


def _first(place: Place) -> int:
    return place.start if place.key_start < 0 else place.key_start


def _end(text: str, place: Place) -> int:
    """Return where a value of YAML ends, without the white space that its block takes along."""
    return place.start + len(text[place.start : place.end].rstrip())


def _colon(text: str, place: Place) -> str:
    """Return what stands between a key and its value; a key of YAML may have neither colon nor value."""
    found = _COLON.match(text, place.key_end)
    return ": " if found is None else found.group()


def _plain(key: str) -> str:
    """Write a key of YAML without quotes, where it cannot be taken for anything else."""
    return key if _NAME.fullmatch(key) and key.lower() not in _WORDS else _json(key)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
