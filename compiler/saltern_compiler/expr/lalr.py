"""Runs the LALR tables that Lark works out: tokens straight to what a builder makes of them, without a tree between.

It accepts what Lark accepts, and calls a builder's methods as a transformer of Lark's tree is called: each rule after the rules in
it, from left to right, with what the rule keeps. Why a text is refused it does not say: whoever wants to know asks Lark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Final, Protocol, TypeAlias

from saltern_runtime.dataclass import dataclass

Span: TypeAlias = tuple[int, int]
END: Final = "$END"
_FIXED: Final = "PatternStr"
_LITERAL: Final = re.compile(r"[A-Za-z](?=[A-Za-z\\(\[])(?![?*+{|])")
"""What a pattern begins with that begins with one letter, whatever follows."""
_CLASS: Final = re.compile(r"\[(?!\^)(?:[^\]\\]|\\.)+\]")
_INSIDE: Final = re.compile(r"\\.|\[(?:[^\]\\]|\\.)*\]", re.DOTALL)


class RefusedError(Exception):
    """The text is none of the grammar's, or its brackets are too deep."""


class Token(str):
    """A word of the text that a rule keeps, with the name of its terminal."""

    __slots__ = ("end_pos", "start_pos", "type")

    type: str
    start_pos: int
    end_pos: int


_Choice: TypeAlias = "tuple[str, str, Callable[..., re.Match[str] | None] | None]"
"""A terminal that may stand at a place: its name, its text if that is always the same, else how it matches."""
Embedded: TypeAlias = Mapping[str, Mapping[str, str]]
"""Terminal → the fixed texts of the same priority that it matches as a whole → their terminals."""


@dataclass(slots=True, eq=False)
class _Lexer:
    """The terminals that may stand where some parser states are, in the order in which they are tried."""

    names: tuple[str, ...]
    unless: Mapping[str, Mapping[str, str]]
    """Terminal → text → the terminal that it is then."""
    by_char: dict[str, tuple[_Choice, ...]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Rule:
    origin: str
    size: int
    method: str
    """Of the builder; empty: what the rule keeps stands where the rule does."""
    is_chain: bool
    """It has one part and is that part."""
    may_be_part: bool
    """It is its part where it keeps one."""
    plain: tuple[int, ...] | None
    """The places of the parts that are kept, where that is all; None: see `keep`."""
    keep: tuple[tuple[int, bool, int], ...]
    """For each part that is kept: its place, whether its own parts stand for it, how many empty places come before."""
    empty_last: int


@dataclass(slots=True, eq=False)
class _State:
    number: int
    lexer: _Lexer
    actions: Mapping[str, int | _Rule]
    """Terminal or rule → the state to go to, or the rule that ends here."""


class Entries(Protocol):
    """What is asked for by its number."""

    def __getitem__(self, number: int, /) -> Any:
        """Return the entry of a number."""


class Parser:
    """The parser of one table, out of its parts as `tables` keeps them.

    `brackets` says which fixed texts and terminals open (1) and close (-1), `limit` how deep they go.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        states: Entries,
        memo: Entries,
        kept: Iterable[str],
        embedded: Embedded,
        *,
        brackets: Mapping[str, int],
        limit: int,
    ) -> None:
        table = data["parser"]["parser"]
        self._memo = memo
        self._limit = limit
        self._names: Mapping[Any, str] = table["tokens"]
        self._table = states
        self._starts: Mapping[str, int] = table["start_states"]
        self._ends: Mapping[str, int] = table["end_states"]
        self._ignored = frozenset(data["parser"]["lexer_conf"]["ignore"])
        terminals = [memo[each["@"]] for each in data["parser"]["lexer_conf"]["terminals"]]
        self._terminals = {terminal["name"]: terminal for terminal in sorted(terminals, key=_order)}
        self._brackets = {
            terminal["name"]: brackets.get(terminal["name"]) or brackets[terminal["pattern"]["value"]]
            for terminal in terminals
            if terminal["name"] in brackets or terminal["pattern"]["value"] in brackets
        }
        self._placeholders = bool(data["options"]["maybe_placeholders"])
        self._states: dict[int, _State] = {}
        self._lexers: dict[frozenset[str], _Lexer] = {}
        self._rules: dict[Any, _Rule] = {}
        self._choices: dict[str, _Choice] = {}
        self._firsts: dict[str, Callable[[str], object] | None] = {}
        self._embedded = embedded
        self._kept = frozenset(kept)

    def parse(self, text: str, span: Span, start: str, builder: Any) -> Any:  # noqa: C901, PLR0912, PLR0915 - one loop, a call for each token would cost a third more
        """Return what a builder makes of a part of a text by a start rule; raises RefusedError.

        Its methods take the place of the rule, (0, 0) for an empty one, and the parts that the rule keeps.
        """
        at, end = span
        ignored, brackets, known = self._ignored, self._brackets, self._states
        state = self._state(self._starts[start])
        final = self._ends[start]
        depth = 0
        states: list[_State] = [state]
        values: list[Any] = []
        places: list[Span | None] = []
        parts: list[Any]
        around: list[Span | None]
        while True:
            stop = at
            while at < end:
                char = text[at]
                choices = state.lexer.by_char.get(char)
                for name, fixed, match in self._beginning(state.lexer, char) if choices is None else choices:  # noqa: B007 - the name is read behind the loop
                    if match is None:
                        if text.startswith(fixed, at, end):
                            stop = at + len(fixed)
                            break
                    elif (found := match(text, at, end)) is not None:
                        stop = found.end()
                        break
                else:
                    raise RefusedError
                if name not in ignored:
                    break
                at = stop
            else:
                name = END
            if name in state.lexer.unless:
                name = state.lexer.unless[name].get(text[at:stop], name)
            if name in brackets:
                depth += brackets[name]
                if depth > self._limit:
                    raise RefusedError
            while True:
                action = state.actions.get(name)
                if action is None:
                    raise RefusedError
                if action.__class__ is int:
                    break
                rule: Any = action
                if rule.is_chain:
                    states.pop()
                    number = states[-1].actions[rule.origin]
                    state = known[number] if number in known else self._state(number)
                    states.append(state)
                    if name == END and state.number == final:
                        return values[-1]
                    continue
                size = rule.size
                if size:
                    parts, around = values[-size:], places[-size:]
                    del values[-size:], places[-size:], states[-size:]
                else:
                    parts, around = [], []
                kept: Any = _kept(rule, parts) if rule.plain is None else [parts[index] for index in rule.plain]
                place = _around(around)
                if rule.may_be_part and len(kept) == 1:
                    value = kept[0]
                    if value.__class__ is Token:
                        place = (value.start_pos, value.end_pos)
                elif rule.method:
                    value = getattr(builder, rule.method)(place or (0, 0), kept)
                else:
                    value = kept
                values.append(value)
                places.append(place)
                number = states[-1].actions[rule.origin]
                state = known[number] if number in known else self._state(number)
                states.append(state)
                if name == END and state.number == final:
                    return values[-1]
            state = known[action] if action in known else self._state(action)
            states.append(state)
            places.append((at, stop))
            if name in self._kept:
                token = Token(text[at:stop])
                token.type, token.start_pos, token.end_pos = name, at, stop
                values.append(token)
            else:
                values.append(None)
            at = stop

    def _state(self, number: Any) -> _State:
        state = self._states.get(number)
        if state is None:
            state = self._states[number] = self._make_state(number)
        return state

    def _make_state(self, number: int) -> _State:
        row: Mapping[str, int] = self._table[number]
        names = self._names
        actions = {names[token]: to if to >= 0 else self._rule(~to) for token, to in row.items()}
        accepted = frozenset(name for name in actions if name in self._terminals) | self._ignored
        lexer = self._lexers.get(accepted)
        if lexer is None:
            lexer = self._lexers[accepted] = self._make_lexer(accepted)
        return _State(number, lexer, actions)

    def _rule(self, number: int) -> _Rule:
        known = self._rules.get(number)
        if known is None:
            known = self._rules[number] = self._make_rule(self._memo[number])
        return known

    def _make_rule(self, rule: Mapping[str, Any]) -> _Rule:
        expansion, options = rule["expansion"], rule["options"]
        gaps = _gaps(options["empty_indices"] if self._placeholders else (), len(expansion))
        keep: list[tuple[int, bool, int]] = []
        empty = 0
        for index, symbol in enumerate(expansion):
            empty += gaps[index]
            if _is_kept(symbol, rule):
                keep.append((index, not _is_terminal(symbol) and symbol["name"].startswith("_"), empty))
                empty = 0
        empty += gaps[-1]
        name = rule["alias"] or options["template_source"] or rule["origin"]["name"]
        may_be_part = options["expand1"] and not rule["alias"]
        return _Rule(
            rule["origin"]["name"],
            len(expansion),
            "" if name.startswith("_") else name,
            is_chain=may_be_part and len(expansion) == 1 and keep == [(0, False, 0)] and not empty,
            may_be_part=may_be_part,
            plain=None if empty or any(expands or gap for _, expands, gap in keep) else tuple(each[0] for each in keep),
            keep=tuple(keep),
            empty_last=empty,
        )

    def _make_lexer(self, accepted: frozenset[str]) -> _Lexer:
        names = [name for name in self._terminals if name in accepted]
        unless: dict[str, dict[str, str]] = {}
        for name in names:
            others = {text: other for text, other in self._embedded.get(name, {}).items() if other in accepted}
            if others:
                unless[name] = others
        embedded = {other for others in unless.values() for other in others.values()}
        tried = tuple(name for name in names if name not in embedded)
        return _Lexer(tried, unless)

    def _beginning(self, lexer: _Lexer, char: str) -> tuple[_Choice, ...]:
        """Return the terminals that may begin with a character."""
        fitting = (name for name in lexer.names if (first := self._first(name)) is None or first(char))
        found = lexer.by_char[char] = tuple(map(self._choice, fitting))
        return found

    def _first(self, name: str) -> Callable[[str], object] | None:
        if name not in self._firsts:
            self._firsts[name] = _first(self._terminals[name])
        return self._firsts[name]

    def _choice(self, name: str) -> _Choice:
        if name not in self._choices:
            pattern = self._terminals[name]["pattern"]
            is_fixed = pattern["__type__"] == _FIXED
            match = None if is_fixed else _regexp(pattern).match
            self._choices[name] = (name, pattern["value"] if is_fixed else "", match)
        return self._choices[name]


def kept_symbols(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of what some rule keeps; rules are those of the entries that have an expansion."""
    rules = [entry for entry in entries if "expansion" in entry]
    return {symbol["name"] for rule in rules for symbol in rule["expansion"] if _is_kept(symbol, rule)}


def _is_terminal(symbol: Mapping[str, Any]) -> bool:
    return bool(symbol["__type__"] == "Terminal")


def _is_kept(symbol: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    return rule["options"]["keep_all_tokens"] or not (_is_terminal(symbol) and symbol["filter_out"])


def _regexp(pattern: Mapping[str, Any]) -> re.Pattern[str]:
    text: str = pattern["value"]
    for flag in pattern["flags"]:
        text = f"(?{flag}:{text})"
    return re.compile(text)


def embedded_in(terminals: Sequence[Mapping[str, Any]]) -> Embedded:
    """Return which fixed texts other terminals match, of all terminals of a grammar."""
    fixed = [each for each in terminals if each["pattern"]["__type__"] == _FIXED]
    found: dict[str, dict[str, str]] = {}
    for terminal in (each for each in terminals if each not in fixed):
        match = _regexp(terminal["pattern"]).match
        for other in fixed:
            text = other["pattern"]["value"]
            if other["priority"] == terminal["priority"] and (whole := match(text)) and whole.end() == len(text):
                found.setdefault(terminal["name"], {})[text] = other["name"]
    return found


def _order(terminal: Mapping[str, Any]) -> tuple[int, int, int, str]:
    """Return what Lark sorts terminals by."""
    pattern = terminal["pattern"]
    value = pattern["value"]
    width = len(value) if pattern["__type__"] == _FIXED else pattern["_width"][1]
    return -terminal["priority"], -width, -len(value), terminal["name"]


def _first(terminal: Mapping[str, Any]) -> Callable[[str], object] | None:
    """Return a test of what a terminal may begin with, where that is plain to see."""
    pattern = terminal["pattern"]
    value: str = pattern["value"]
    if pattern["__type__"] == _FIXED:
        return value[0].__eq__
    if pattern["flags"] or _has_choice(value):
        return None
    if _LITERAL.match(value):
        return value[0].__eq__
    found = _CLASS.match(value)
    return (
        None
        if found is None or value[found.end() : found.end() + 1] in ("?", "*", "{")
        else re.compile(found.group()).match
    )


def _has_choice(regexp: str) -> bool:
    """Whether a pattern is several beside each other."""
    depth = 0
    for char in _INSIDE.sub("x", regexp):
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            return True
    return False


def _gaps(empty_indices: Iterable[bool], size: int) -> list[int]:
    """Return how many places that may be empty stand before each part of a rule, and behind the last."""
    gaps = [0] * (size + 1)
    index = 0
    for is_empty in empty_indices:
        if is_empty:
            gaps[index] += 1
        else:
            index += 1
    return gaps


def _kept(rule: _Rule, parts: list[Any]) -> list[Any]:
    """Return what a rule keeps of its parts, among them those of parts that stand for others."""
    kept: list[Any] | None = None
    for index, expands, empty in rule.keep:
        if expands and kept is None and not empty:
            kept = parts[index]  # as long as a text, so it is not copied for one more
            continue
        kept = [] if kept is None else kept
        kept += [None] * empty
        kept += parts[index] if expands else (parts[index],)
    return (kept or []) + [None] * rule.empty_last if rule.empty_last else kept or []


def _around(places: Sequence[Span | None]) -> Span | None:
    """Return the place of parts, of which some may be empty."""
    if places and places[0] is not None and places[-1] is not None:
        return places[0][0], places[-1][1]
    known = [place for place in places if place is not None]
    return (known[0][0], known[-1][1]) if known else None
