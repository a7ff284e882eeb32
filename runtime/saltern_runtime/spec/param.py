"""Parameters of node types, and what a node binds to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import ANY, Json, Type

Place = Literal["", "url", "slack"]
"""A URL, whose first value may be its beginning; Slack's mrkdwn."""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a node type."""

    name: str
    type: Type = ANY
    required: bool = True
    default: Json = None
    """What an absent parameter means; the callable has the same default."""
    static: bool = False
    """Known at compile time: a literal in the source, never an expression (SQL, function names, cases)."""
    is_type: bool = False
    """Takes a type (`type { … }`), not a value."""
    template: bool = True
    """Whether a template may stand here; never for SQL, so that user text is bound, not interpolated."""
    keep_skipped: bool = False
    """Reads references that may have been skipped (merge)."""
    secret: bool = False
    """A connector setting that holds a secret, given as a reference only."""
    secrets: tuple[str, ...] | None = None
    """A connector setting of an object whose members may be references to secrets; those named here must be. None: none may."""
    passed: bool = True
    """Whether the callable takes it; otherwise the compiler alone reads it (`python.call`'s `effect`)."""
    is_url: bool = False
    """A URL (or a path under the connection's base) that the callable connects to: its host is part of the egress."""
    place: Place = ""
    """What its text is a part of: values that come into it are escaped for that (`raw(x)` says otherwise)."""
    shown: bool = False
    """Kept, logged or read by whoever gets it, as a prompt, a message or a URL is: no secret goes into it, whatever a connection accepts."""
    typed_by: str = ""
    """The parameter that holds its type, where that is given."""
    unordered: bool = False
    """A list whose order says nothing: it is kept sorted, so that no order of writing changes a digest."""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a node binds, as far as it is known when types are computed."""

    literals: Mapping[str, Json]
    """Parameters whose value is a literal; of a length of time its seconds."""
    types: Mapping[str, Type]
    """Each given parameter's type; for `is_type` parameters the type itself."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The pipeline's own modules: path relative to the pipeline → source text."""
    lengths: Mapping[str, int] = field(default_factory=dict)
    """Parameters that are written out as a list (whatever its items) → how many items."""
    connected: bool = False
    """Whether a connection is named."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of a node type about its own parameters."""

    param: str
    message: str
    notes: tuple[str, ...] = ()
    code: str = "ill-typed-parameter"
