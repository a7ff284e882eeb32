"""What comes from outside while a run waits: an answer to what a node asked, of a type, or a decision out of choices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.param import Param
from saltern_runtime.spec.types import STRING, TIMESTAMP, LiteralType, Type, obj, optional, union


@dataclass(frozen=True, slots=True)
class AwaitsSpec:
    """How a node type waits for an answer."""

    choices: Param | None = None
    """A static parameter, a list of texts: the answer is a decision for one of them. None: any value of the node's type."""
    default: Param | None = None
    """A static parameter: what is decided where nobody does in time."""


COMMENT: Final = 2000
"""Characters of a decision's comment, at most."""


def decision_type(choices: Iterable[str], fields: Type | None = None) -> Type:
    """Return the type of a decision: which, by whom (null where nobody decided in time), when, why, and what was filled in."""
    parts = {
        "decision": union(*map(LiteralType, choices)),
        "by": optional(STRING),
        "at": TIMESTAMP,
        "comment": optional(STRING),
    }
    return obj(parts if fields is None else parts | {"fields": optional(fields)})
