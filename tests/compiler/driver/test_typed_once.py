"""Each expression is typed once in a whole compilation, however many targets print it."""

from collections import Counter
from pathlib import Path

import pytest

from saltern_compiler.driver import Source, compile_loaded
from saltern_compiler.expr import typing
from saltern_compiler.ir.values import expressions

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/*.saltern"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_expression_is_typed_once(path, monkeypatch):
    """Checks keep the typed trees, the plan carries them, targets print those."""
    seen = Counter()
    check = typing.check

    def counted(expr, env):
        seen[id(expr)] += 1
        kept.append(expr)
        return check(expr, env)

    kept = []
    monkeypatch.setattr("saltern_compiler.passes.analyses.parameter_types.check", counted)
    monkeypatch.setattr("saltern_compiler.expr.typing.check", counted)
    result = compile_loaded(Source.load(str(path)))
    assert not result.has_errors
    plans = [result.plan, *(part.plan for part in result.plan.parts)]
    values = [value for plan in plans for planned in plan.nodes for _, value in planned.node.params]
    printed = [each for value in values for each in expressions(value)]
    assert printed
    assert all(each.typed is not None for each in printed)
    assert Counter(seen.values()) == Counter({1: len(printed)})
