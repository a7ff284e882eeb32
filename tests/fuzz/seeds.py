"""What fuzzing begins with: every pipeline and every expression that lies about."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.fuzz.properties import BETWEEN

ROOT: Final = Path(__file__).parents[2]
_BLOCK: Final = re.compile(r"```(saltern|json|yaml)[^\n]*\n(.*?)```", re.DOTALL)


@cache
def seeds(target: str) -> tuple[str, ...]:
    """Return the texts that a target begins with, sorted."""
    match target:
        case "language":
            return _of("saltern")
        case "document":
            return _of("json")
        case "yaml":
            return (*_of("yaml"), *_of("json")[::4])
        case "expression":
            return _expressions()
        case "upgrade":
            pairs = sorted(ROOT.glob("tests/compiler/upgrade/pairs/*/*"))
            return tuple(path.read_text("utf-8") for path in pairs)
        case _:
            texts = _of("saltern")
            near = [old + BETWEEN + new for old, new in pairwise(texts)]
            same = [text + BETWEEN + text for text in texts]
            mixed = [old + BETWEEN + new for old, new in zip(_of("json"), texts, strict=False)]
            return (*near, *same, *mixed)


@cache
def _of(suffix: str) -> tuple[str, ...]:
    files = [*ROOT.glob(f"examples/*/*.{suffix}"), *ROOT.glob(f"tests/compiler/passes/cases/*/*.{suffix}")]
    texts = {path.read_text("utf-8").partition("\n# ---")[0] for path in files}
    for page in (*ROOT.glob("docs/**/*.md"), *ROOT.glob("compiler/saltern_compiler/diagnostics/docs/*.md")):
        texts |= {text for kind, text in _BLOCK.findall(page.read_text("utf-8")) if kind == suffix}
    return tuple(sorted(text for text in texts if len(text) < 20_000))


@cache
def _expressions() -> tuple[str, ...]:
    from saltern_compiler.expr.functions import LIBRARY, MACROS

    cel = [path.read_text("utf-8") for path in sorted((ROOT / "tests/targets/expr/cel").glob("*.json"))]
    texts = {test["expr"] for text in cel for test in json.loads(text)["tests"]}
    return tuple(sorted(texts | {row.example for row in (*LIBRARY, *MACROS.values())}))
