"""Bounds as JSON; their shape is schemas/bounds.v1.json."""

from __future__ import annotations

import json
from typing import Any, Final

from saltern_compiler.bounds.model import Bounds
from saltern_compiler.ir.amounts import Amount
from saltern_compiler.ir.costs import Cost, Share

SCHEMA_VERSION: Final = 1


def render_json(bounds: Bounds, source: str) -> str:
    """Write bounds as one JSON document; `source` is the pipeline as it was named."""
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "source": source,
        "pipeline": bounds.pipeline,
        "deadline": {"seconds": bounds.deadline.seconds, "because": bounds.deadline.because},
        "best": float(bounds.cost.best),
        **_cost(bounds.cost),
        "symbols": [{"name": str(symbol), "why": symbol.why} for symbol in bounds.cost.symbols()],
        "assumed": dict(sorted(bounds.assumed.items())),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "time": _amount(cost.worst),
        "amounts": {name: _amount(cost.amounts[name]) for name in sorted(cost.amounts)},
        "path": list(cost.path),
        "nodes": [_share(share) for share in cost.shares],
    }


def _share(share: Share) -> dict[str, Any]:
    inner = {} if share.inner is None else {"times": _amount(share.times), "inner": _cost(share.inner)}
    amounts = {name: _amount(share.cost.amounts[name]) for name in sorted(share.cost.amounts)}
    return {
        "node": share.node,
        "because": share.says,
        "time": _amount(share.cost.worst),
        "amounts": amounts,
        **inner,
    }


def _amount(amount: Amount) -> dict[str, Any]:
    """Write an amount: its text, and a number where it is one."""
    known = amount.known
    value = None if known is None else int(known) if known.denominator == 1 else float(known)
    return {"text": str(amount), "value": value}


def bounds_schema() -> dict[str, Any]:
    """Return the schema of what `render_json` writes."""
    text = {"type": "string"}
    amount = {"$ref": "#/$defs/amount"}
    amounts = {
        "type": "object",
        "additionalProperties": amount,
        "description": "measure → at most; `calls:NAME` where every first attempt succeeds, `tries:NAME` with all attempts",
    }
    cost = {
        "time": {**amount, "description": "seconds"},
        "amounts": amounts,
        "path": {"type": "array", "items": text, "description": "nodes at the ends of the stages on the critical path"},
        "nodes": {"type": "array", "items": {"$ref": "#/$defs/share"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Saltern bounds",
        "description": "What `saltern bounds --format json` prints: what a run costs at most, and which node gives what of it.",
        **_closed(
            {
                "schemaVersion": {"const": SCHEMA_VERSION},
                "source": {**text, "description": "as it was named"},
                "pipeline": text,
                "deadline": _closed({"seconds": {"type": "number"}, "because": text}),
                "best": {"type": "number", "description": "seconds that a run takes at least, where nothing fails"},
                **cost,
                "symbols": {"type": "array", "items": _closed({"name": text, "why": text})},
                "assumed": {"type": "object", "additionalProperties": {"type": "number"}},
            }
        ),
        "$defs": {
            "amount": _closed(
                {
                    "text": {**text, "description": "such as `12 + 3·size(input.rows)`"},
                    "value": {"type": ["number", "null"], "description": "null where it hangs on something"},
                }
            ),
            "cost": _closed(cost),
            "share": _closed(
                {
                    "node": text,
                    "because": text,
                    "time": amount,
                    "amounts": amounts,
                    "times": {**amount, "description": "rounds of its body"},
                    "inner": {"$ref": "#/$defs/cost"},
                },
                optional=("times", "inner"),
            ),
        },
    }


def _closed(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def text() -> str:
    """Return the schema as its file has it."""
    return json.dumps(bounds_schema(), indent=2, ensure_ascii=False) + "\n"
