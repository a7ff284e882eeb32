"""LALR tables as package data, so that a cold start does not work them out again; `frontend.tables` writes them.

A table belongs to one grammar text and its start rules. Where either is another, it is worked out from the grammar: slower, never
wrong. `runner` reads a table without Lark; Lark itself reads those of its own version alone.

A table is a file of lines, each of which is JSON: a head, the actions of each parser state (token → the state to go to, or ~ the rule that
ends there), then what Lark keeps apart (rules and terminals).
A text meets a fifth of the states, so that only these lines are ever read.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from saltern_compiler.expr.lalr import Parser, embedded_in, kept_symbols
from saltern_runtime.dataclass import dataclass

if TYPE_CHECKING:
    from lark import Lark
    from lark.lark import PostLex

_SHIFT: Final = 0
"""How Lark's tables mark an action that goes to another state."""
_REDUCE: Final = 1
"""And one that a rule ends with."""


EVERY_TOKEN: Final[Mapping[str, bool]] = {"keep_all_tokens": True, "maybe_placeholders": False}
"""Options of Lark for trees of which no token is left out."""


def parser(
    grammar: str, start: Sequence[str], table: Path, postlex: PostLex, options: Mapping[str, bool] | None = None
) -> Lark:
    """Return Lark's parser of a grammar: out of its table if it fits, else made anew."""
    import lark as of  # noqa: PLC0415 - what is right is read without it
    from lark import Lark  # noqa: PLC0415 - a text that is refused, or a table that is stale, is rare

    content = _content(table, _key(grammar, start, options or {}))
    if content is None or content.head["lark"] != of.__version__:
        given: dict[str, Any] = {**(options or {})}
        return Lark(grammar, parser="lalr", start=list(start), propagate_positions=True, postlex=postlex, **given)
    loaded: Lark = Lark._load_from_dict(*content.as_lark_has_it(), postlex=postlex, propagate_positions=True)  # type: ignore[no-untyped-call]  # noqa: SLF001 - what Lark's own stand-alone parsers call
    return loaded


def runner(grammar: str, start: Sequence[str], table: Path, *, brackets: Mapping[str, int], limit: int) -> Parser:
    """Return what runs the table of a grammar without Lark."""
    content = _content(table, _key(grammar, start, {})) or _read(write(grammar, start).encode())
    head = content.head
    return Parser(
        head["data"], content.states, content.memo, head["kept"], head["embedded"], brackets=brackets, limit=limit
    )


def write(grammar: str, start: Sequence[str], options: Mapping[str, bool] | None = None) -> str:
    """Work out the table of a grammar and return its file: lines of plain JSON, the same on every machine."""
    import lark as of  # noqa: PLC0415 - only who writes tables needs it
    from lark import Lark  # noqa: PLC0415 - only who writes tables needs it
    from lark.grammar import Rule  # noqa: PLC0415 - only who writes tables needs them
    from lark.lexer import TerminalDef  # noqa: PLC0415 - only who writes tables needs them

    given: dict[str, Any] = {**(options or {})}
    lark = Lark(grammar, parser="lalr", start=list(start), propagate_positions=True, **given)
    data, memo = lark.memo_serialize([TerminalDef, Rule])
    data["parser"]["parser"] = _canonical(data["parser"]["parser"])
    numbers = {old: new for new, old in enumerate(sorted(memo, key=lambda number: json.dumps(memo[number])))}
    states: Mapping[int, Any] = data["parser"]["parser"].pop("states")
    head = {
        "key": _key(grammar, start, options or {}),
        "lark": of.__version__,
        "data": _renumbered(data, numbers),
        "kept": sorted(kept_symbols(memo.values())),
        "embedded": embedded_in([memo[each["@"]] for each in data["parser"]["lexer_conf"]["terminals"]]),
        "states": len(states),
    }
    rows = (
        {token: to if kind == _SHIFT else ~numbers[to["@"]] for token, (kind, to) in states[number].items()}
        for number in range(len(states))
    )
    return "".join(map(_line, (head, *rows, *(memo[old] for old in numbers))))


def _line(of: object) -> str:
    return json.dumps(of, separators=(",", ":"), sort_keys=True) + "\n"


def _canonical(parser: Mapping[str, Any]) -> dict[str, Any]:
    """Give tokens numbers by name, and states in the order in which they are first reached: Lark's own numbers depend on the order of sets."""
    names = sorted(parser["tokens"].values())
    numbers = {name: number for number, name in enumerate(names)}
    states = {
        state: {parser["tokens"][token]: action for token, action in actions.items()}
        for state, actions in parser["states"].items()
    }
    reached: dict[int, int] = {}
    waiting = deque(state for _, state in sorted(parser["start_states"].items()))
    while waiting:
        state = waiting.popleft()
        if state not in reached:
            reached[state] = len(reached)
            waiting.extend(to for _, (kind, to) in sorted(states[state].items(), key=_by_name) if kind == _SHIFT)
    return {
        "tokens": dict(enumerate(names)),
        "states": {
            reached[state]: {
                numbers[name]: (kind, reached[to] if kind == _SHIFT else to) for name, (kind, to) in actions.items()
            }
            for state, actions in states.items()
        },
        "start_states": {name: reached[state] for name, state in parser["start_states"].items()},
        "end_states": {name: reached[state] for name, state in parser["end_states"].items()},
    }


def _by_name(pair: tuple[str, object]) -> str:
    return pair[0]


def _renumbered(value: Any, numbers: Mapping[int, int]) -> Any:
    """Replace the references (`{"@": number}`) to what Lark keeps apart."""
    if isinstance(value, dict):
        if value.keys() == {"@"}:
            return {"@": numbers[value["@"]]}
        return {key: _renumbered(part, numbers) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_renumbered(part, numbers) for part in value]
    return value


def _key(grammar: str, start: Sequence[str], options: Mapping[str, bool]) -> str:
    chosen = [f"{name}={value}" for name, value in sorted(options.items())]
    return "\n".join((*start, *chosen, grammar))


class _Lines:
    """Lines of JSON that are read one by one, each when it is asked for by its number."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = lines

    def __getitem__(self, number: int) -> Any:
        return json.loads(self.lines[number])


@dataclass(frozen=True, slots=True)
class _Content:
    """A table as it is stored."""

    head: Mapping[str, Any]
    states: _Lines
    memo: _Lines

    def as_lark_has_it(self) -> tuple[dict[str, Any], dict[int, Any]]:
        """Return Lark's data and memo: with numbers as keys, where JSON has strings."""
        data = self.head["data"]
        states = data["parser"]["parser"]
        states["tokens"] = _by_number(states["tokens"])
        states["states"] = {
            number: {int(token): (_SHIFT, to) if to >= 0 else (_REDUCE, {"@": ~to}) for token, to in row.items()}
            for number, row in enumerate(map(json.loads, self.states.lines))
        }
        return data, dict(enumerate(map(json.loads, self.memo.lines)))


def _content(table: Path, key: str) -> _Content | None:
    """Return a table as it is stored; None where it is not of that key."""
    try:
        content = _read(table.read_bytes())
    except (OSError, ValueError, KeyError):
        return None
    return content if content.head["key"] == key else None


def _read(table: bytes) -> _Content:
    lines = table.splitlines()
    head = json.loads(lines[0]) if lines else {}
    size = head["states"]
    return _Content(head, _Lines(lines[1 : size + 1]), _Lines(lines[size + 1 :]))


def _by_number(mapping: Mapping[str, Any]) -> dict[int, Any]:
    return {int(key): value for key, value in mapping.items()}
