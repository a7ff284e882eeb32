"""Holds the scripts against what Python sends them and reads of them, once, when the store is imported.

A script says in its header what it is called with (`-- @call run, path, failure?`: a field with `?` may be left out), and shared
parts list the letters of what is kept. Both must be what the Python side has, and a script must read nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Final

from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.store.dependants import Body, Dependant
from saltern_runtime.store.lua import parts_of
from saltern_runtime.store.records import LAYOUT, TAGS, Cursor, Limit, Record, Round
from saltern_runtime.store.scripts import CALLS, Call

_FUNCTION: Final = re.compile(r"^local function (\w+)\(.*?^end$", re.MULTILINE | re.DOTALL)
_READ: Final = re.compile(r"(?<![.\w])call\.(\w+)")
_CALLED: Final = re.compile(r"\b(\w+)\(")
_READS: Final = {
    "dependant": re.compile(r"\b(?:dep|entry)\.(\w+)"),
    "body": re.compile(r"\bbody\.(\w+)"),
}
_LETTERS: Final = {
    "record": (Record, re.compile(r"\brec\.(\w+)")),
    "limit": (Limit, re.compile(r"\blimit\.(\w+)")),
    "cursor": (Cursor, re.compile(r"\bc\.(\w+)")),
    "round": (Round, re.compile(r"each_of\([^)]*\), '([a-z])' \.\.")),
}
_NUMBERS: Final = {"AT_ONCE": AT_ONCE, "LAYOUT": LAYOUT, "TAGS": TAGS}
_ALWAYS: Final = {"op"}


class ContractError(RuntimeError):
    """Python and a script of the store do not agree: our own bug. `differences` says in what, a line each."""

    def __init__(self, differences: Iterable[str]) -> None:
        self.differences = tuple(differences)
        super().__init__("the store's scripts and their calls do not agree:\n" + "\n".join(self.differences))


def check(calls: Iterable[type[Call]] = CALLS) -> None:
    """Raise ContractError for whatever does not agree."""
    known = tuple(calls)
    differences = [line for call in known for line in differs(call, dict(parts_of(call.script)))]
    texts = {name: text for call in known for name, text in parts_of(call.script)}
    differences += _shared("".join(texts.values()))
    if differences:
        raise ContractError(dict.fromkeys(differences))


def differs(call: type[Call], parts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is not the same in a call and the script that is made of these parts."""
    name = call.script
    header = _list("call", parts[name])
    sent = {field.name: field.default is MISSING for field in fields(call)}
    if header != sent:
        yield from _unlike(f"{name}.lua takes", header, f"{call.__name__} gives", sent)
    may = {field for text in parts.values() for field in _list("may", text)}
    for read in sorted(_reads(name, parts) - header.keys() - may - _ALWAYS):
        yield f"{name}.lua reads call.{read}, which its header does not name"


def _unlike(one: str, first: Mapping[str, bool], other: str, second: Mapping[str, bool]) -> Iterator[str]:
    for field in sorted(first.keys() | second.keys()):
        if first.get(field) != second.get(field):
            yield f"{one} {_shown(field, first)}, {other} {_shown(field, second)}"


def _shown(field: str, of: Mapping[str, bool]) -> str:
    return f"no {field}" if field not in of else field if of[field] else f"{field}?"


def _reads(name: str, parts: Mapping[str, str]) -> set[str]:
    """Return the fields of the call that a script reads, itself or in a function of a shared part that it reaches."""
    functions: dict[str, str] = {}
    for part, text in parts.items():
        if part != name:
            functions |= _functions(text)
    reached: set[str] = set()
    waiting = [parts[name]]
    read: set[str] = set()
    while waiting:
        reads, calls = _mentions(waiting.pop())
        read |= reads
        new = calls & functions.keys() - reached
        reached |= new
        waiting += [functions[word] for word in new]
    return read


@cache
def _functions(text: str) -> Mapping[str, str]:
    """Return the functions of a part: name → text."""
    return {match[1]: match[0] for match in _FUNCTION.finditer(text)}


@cache
def _mentions(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the fields of the call that a text reads, and the functions that it calls."""
    reads, calls = _READ.findall(text), _CALLED.findall(text)
    return frozenset(reads), frozenset(calls)


def _shared(text: str) -> Iterator[str]:
    """Yield what differs in what all scripts share: numbers, nested objects, letters."""
    for name, number in _NUMBERS.items():
        if re.findall(rf"^local {name} = (\d+)", text, re.MULTILINE) != [str(number)]:
            yield f"{name} is {number} in Python, and not so in prelude.lua"
    nested: Mapping[str, Any] = {"dependant": Dependant, "body": Body}
    for kind, of in nested.items():
        header = _list(kind, text)
        sent = dict.fromkeys(of.__required_keys__, True) | dict.fromkeys(of.__optional_keys__, False)
        yield from _unlike(f"a {kind} of the scripts has", header, f"{of.__name__} has", sent)
        for read in sorted(set(_READS[kind].findall(text)) - header.keys()):
            yield f"a script reads {kind}.{read}, which no header names"
    for kind, (of, reads) in _LETTERS.items():
        listed = re.findall(rf"^-- @{kind} (\w+) (\w+)", text, re.MULTILINE)
        letters = dict(listed)
        for letter in sorted({letter for letter, name in listed if letters[letter] != name}):
            yield f"the {kind}'s letter {letter} stands for two things"
        ours = {letter: name.lower() for name, letter in vars(of).items() if name.isupper()}
        for letter in sorted(letters.items() ^ ours.items()):
            yield f"the {kind}'s letter {letter[0]} ({letter[1]}) stands on one side alone"
        for read in sorted(set(reads.findall(text)) - letters.keys()):
            yield f"a script uses the letter {read} of a {kind}, which prelude.lua does not list"


def _list(kind: str, text: str) -> dict[str, bool]:
    """Read `-- @kind a, b?`: name → whether it must be there."""
    named = re.findall(rf"^-- @{kind} (.*)$", text, re.MULTILINE)
    return {name.rstrip("?"): not name.endswith("?") for line in named for name in line.split(", ")}
