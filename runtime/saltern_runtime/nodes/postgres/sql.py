"""As much of PostgreSQL's lexical structure as tells placeholders and statements from text that looks like them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, STRING, Bound, ListType, Param, Problem

_TOKEN: Final = re.compile(
    r"""
    (?P<line>--[^\n]*)
  | (?P<block>/\*)
  | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*(?:'|(?P<open1>\Z)))
  | (?P<text>'(?:[^']|'')*(?:'|(?P<open2>\Z)))
  | (?P<name>"(?:[^"]|"")*(?:"|(?P<open3>\Z)))
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<placeholder>\$\d+)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d[\w.]*)
  | (?P<end>;)
  | (?P<space>\s+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NOTHING: Final = frozenset({"line", "space"})
_SESSION: Final = frozenset(
    [
        "abort",
        "begin",
        "commit",
        "copy",
        "deallocate",
        "discard",
        "end",
        "listen",
        "prepare",
        "release",
        "reset",
        "rollback",
        "savepoint",
        "set",
        "start",
        "unlisten",
    ]
)
"""Statements that steer the session or the transaction, which are the runtime's own, or that stream (copy)."""

SQL: Final = Param("sql", STRING, static=True, template=False, doc="One statement; `$1`, `$2`, … stand for the values.")
VALUES: Final = Param(
    "values",
    ListType(ANY),
    required=False,
    default=[],
    doc="What `$1`, `$2`, … stand for; sent apart from the statement.",
)


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in a text."""

    placeholders: frozenset[int]
    statements: int
    first: str
    """The first word, in lower case."""
    unclosed: str = ""
    """What is opened and never closed."""


def scan(sql: str) -> Scan:
    """Read a text; never raises."""
    placeholders: set[int] = set()
    statements, inside, first, unclosed = 0, False, "", ""
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        assert match is not None, "every character matches"
        kind, token, at = match.lastgroup, match.group(), match.end()
        if any(match.group(f"open{number}") is not None for number in (1, 2, 3)):
            unclosed = "a quote"
        if kind == "end":
            inside = False
            continue
        if kind == "block":
            at, closed = _comment_end(sql, at)
            unclosed = unclosed or ("" if closed else "a comment")
            continue
        if kind in _NOTHING:
            continue
        if kind == "dollar":
            end = sql.find(token, at)
            unclosed = unclosed or ("" if end >= 0 else "a quote")
            at = end + len(token) if end >= 0 else len(sql)
        if kind == "placeholder":
            placeholders.add(int(token[1:]))
        statements += not inside
        first = first or (token.lower() if kind == "word" else "")
        inside = True
    return Scan(frozenset(placeholders), statements, first, unclosed)


def returns_nothing(sql: str) -> bool:
    """Whether a statement that changes rows says nowhere that it returns any."""
    changes = scan(sql).first in {"insert", "update", "delete", "merge"}
    return changes and re.search(r"\breturning\b", sql, re.IGNORECASE) is None


def _comment_end(sql: str, at: int) -> tuple[int, bool]:
    """Return where a block comment ends (they nest), and whether it does."""
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(sql, at):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end(), True
    return len(sql), False


def check(bound: Bound) -> Iterator[Problem]:
    """Find what is wrong with a statement and the number of its values."""
    sql = bound.literals.get("sql")
    if not isinstance(sql, str):
        return
    scanned = scan(sql)
    reason = refusal(scanned)
    if reason:
        yield Problem("sql", reason[0], reason[1:])
        return
    yield from _check_values(bound, scanned.placeholders)


def refusal(scanned: Scan) -> tuple[str, ...]:
    """Return why a statement cannot be run (a message, then notes); empty where it can."""
    if scanned.unclosed:
        return (f"the SQL opens {scanned.unclosed} and never closes it",)
    if scanned.statements == 0:
        return ("the SQL holds no statement",)
    if scanned.statements > 1:
        return (
            f"the SQL holds {scanned.statements} statements",
            "A node runs one; write a node for each, or one statement with CTEs.",
        )
    if scanned.first in _SESSION:
        note = "Transactions and sessions are the runtime's: each node is a transaction of its own."
        return (f"the SQL statement `{scanned.first}` cannot be run from a node", note)
    return ()


def _check_values(bound: Bound, placeholders: frozenset[int]) -> Iterator[Problem]:
    highest = max(placeholders, default=0)
    missing = [f"${number}" for number in range(highest + 1) if number not in placeholders and (number > 0)]
    if 0 in placeholders or missing:
        what = "the SQL uses $0" if 0 in placeholders else f"the SQL uses ${highest} but not {', '.join(missing[:5])}"
        yield Problem("sql", what, ("Values are numbered from $1, without gaps.",))
        return
    literal = bound.literals.get("values", [] if "values" not in bound.types else None)
    given = bound.lengths.get("values", len(literal) if isinstance(literal, list) else None)
    if given is not None and given != highest:
        uses = f"${highest} is the highest placeholder" if highest else "the SQL has no placeholders"
        yield Problem("values", f"{given} value{'' if given == 1 else 's'} given, but {uses}")
