"""What one activation of a node takes by itself: calls, what a model reads and says, bytes of its value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from saltern_compiler.ir.amounts import ONE, ZERO, Amount, number, shares, symbol, total
from saltern_compiler.ir.bound import length_of, literals
from saltern_compiler.ir.costs import (
    CALLS,
    MODEL_CALLS,
    MODEL_TRIES,
    RUNS,
    TOKENS_IN,
    TOKENS_OUT,
    TRIES,
    added,
)
from saltern_compiler.ir.pipeline import Node
from saltern_compiler.ir.values import TypeValue
from saltern_compiler.passes.analyses.sizes import Sizes
from saltern_compiler.passes.hosts import hosts_of_node
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    TIMESTAMP,
    AsksModel,
    Effect,
    FileType,
    ListType,
    LiteralType,
    NodeType,
    ObjectType,
    Retry,
    Type,
    UnionType,
    chosen,
    to_schema,
)
from saltern_runtime.spec.limits import MAX_PAYLOAD

CHARACTERS: Final = 4
"""Of a text, for each token of a model: a rule of thumb for English, no bound."""
MESSAGE: Final = 8
"""Tokens around each text that is sent."""
COMPLAINT: Final = 100
"""Tokens in which a model is told what is wrong with its answer."""
_BYTES: Final[Mapping[Type, int]] = {NULL: 4, BOOL: 5, INT: 20, DOUBLE: 25, TIMESTAMP: 40, DURATION: 40}
_FILE: Final = 1024
"""Bytes of what a value says about a file; its content lies elsewhere."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A node with what is known about it."""

    node: Node
    spec: NodeType
    effect: Effect
    sizes: Sizes


def expenses(of: Asked, attempts: int) -> dict[str, Amount]:
    """Return measure → how much of it one activation takes, with so many attempts."""
    spec = of.spec
    found: dict[str, Amount] = {}
    if spec.calls and spec.detached:
        found[RUNS] = ONE
    a_time = ONE
    if spec.model is not None:
        a_time, tokens = _asked(of, spec.model)
        found |= {MODEL_CALLS: a_time, MODEL_TRIES: a_time * number(attempts)}
        found |= {name: amount * number(attempts) for name, amount in tokens.items()}
    for target in targets_of(of):
        found = added(found, {f"{CALLS}{target}": a_time, f"{TRIES}{target}": a_time * number(attempts)})
    return found


def targets_of(of: Asked) -> tuple[str, ...]:
    """Return whom a node calls: its connection, else the hosts that it leads to, `*` where only a run knows."""
    node, spec = of.node, of.spec
    if of.effect is Effect.PURE or (spec.awaits is not None and node.connection is None):
        return ()
    if node.connection is not None:
        return (node.connection,)
    return tuple(dict.fromkeys(host.rpartition(":")[0] for host in hosts_of_node(node, spec)))


def _asked(of: Asked, model: AsksModel) -> tuple[Amount, Mapping[str, Amount]]:
    """Return calls of a model in one attempt, and the tokens of all of them.

    Where an answer is not of its type, the model reads it again, and what is wrong with it.
    """
    node, known = of.node, literals(of.node)
    answer = node.param(model.answer)
    again = chosen(model.again, known) if isinstance(answer, TypeValue) else 0
    calls = 1 + (again if isinstance(again, int) else 0)
    most = known.get(model.most)
    said = number(most) if isinstance(most, int) else symbol("tokens", node.id, f"`{node.id}` sets no `{model.most}`")
    texts = [node.param(name) for name in model.reads if node.param(name) is not None]
    schema = len(json.dumps(to_schema(answer.type))) if isinstance(answer, TypeValue) else 0
    read = shares(total(of.sizes.of_text(text, node.id) for text in texts) + number(schema), CHARACTERS)
    first = read + number(MESSAGE * len(texts))
    repeated = (said + number(COMPLAINT)) * number(calls * (calls - 1) // 2)
    return number(calls), {TOKENS_IN: first * number(calls) + repeated, TOKENS_OUT: said * number(calls)}


def kept(of: Type) -> int:
    """Return how many bytes a value of a type is in the store, at most: what may be longer, as long as values may be."""
    return min(_bytes(of), MAX_PAYLOAD)


def _bytes(of: Type) -> int:
    match of:
        case LiteralType(value=value):
            return len(json.dumps(value))
        case FileType():
            return _FILE
        case ObjectType(fields=fields):
            if of.open:
                return MAX_PAYLOAD
            return 2 + sum(len(json.dumps(field.name)) + 2 + _bytes(field.type) for field in fields)
        case UnionType(members=members):
            return max((_bytes(member) for member in members), default=0)
        case ListType():
            return MAX_PAYLOAD
        case _:
            return _BYTES.get(of, MAX_PAYLOAD)


def wait_of(node: Node, spec: NodeType) -> tuple[Amount, bool]:
    """Return how long a node waits at most, and whether it surely waits that long."""
    if not spec.sleeps and spec.awaits is None:
        return ZERO, False
    given = {param.name: node.param(param.name) for param in spec.params if param.type == DURATION}
    for value in given.values():
        length = None if value is None else length_of(value)
        if length is not None:
            return number(length), spec.sleeps
    why = f"how long `{node.id}` waits is not written out"
    if spec.awaits is not None and all(value is None for value in given.values()):
        why = f"`{node.id}` has no deadline"
    return symbol("wait", node.id, why), False


@lru_cache(maxsize=1024)
def attempts_of(timeout: float, retry: Retry) -> tuple[int, Amount]:
    """Return how many attempts there are, and how long all of them take with what is waited for in between (full jitter, at most)."""
    pauses = sum((number(min(retry.cap, retry.base * 2.0**n)) for n in range(retry.attempts - 1)), ZERO)
    return retry.attempts, number(timeout) * number(retry.attempts) + pauses
