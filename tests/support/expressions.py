"""Expressions printed as Python for tests: typed against names, as the checks type them."""

from dataclasses import dataclass
from importlib import import_module

import saltern_runtime.expr as helpers
from saltern_compiler.expr.kinds import public
from saltern_compiler.expr.typing import Env, check
from saltern_runtime.spec import Type
from saltern_targets.python.expr import print_expression, print_template


@dataclass(frozen=True)
class PyName:
    """What a name of the pipeline is in Python."""

    text: str
    type: Type
    may_be_skipped: bool = False


def typed(expr, names):
    """Return the typed tree of an expression that may read these names."""
    skippable = frozenset(name for name, meant in names.items() if meant.may_be_skipped)
    return check(expr, Env({name: meant.type for name, meant in names.items()}, skippable))[0]


def _texts(names):
    return {name: meant.text for name, meant in names.items()}


def to_python(expr, names, expected=None, *, classes=None):
    """Type and print an expression."""
    return print_expression(typed(expr, names), _texts(names), expected, classes=classes or {})


def template_to_python(parts, names):
    """Type and print a template."""
    return print_template([part if isinstance(part, str) else typed(part, names) for part in parts], _texts(names))


def evaluate(code, values=None):
    """Evaluate printed Python, with what it says that it needs, and values for the names that it reads."""
    imported = {name: getattr(import_module(module), name) for module, name in code.imports}
    return eval(code.text, {name: getattr(helpers, name) for name in code.helpers} | imported | (values or {}))


def infer(expr, env, origin):
    """Return the type of an expression and its findings."""
    tree, problems = check(expr, env)
    return public(tree.type), [problem.diagnostic(origin) for problem in problems]
