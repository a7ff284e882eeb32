"""How functions print is the target's: each signature of each function is something that the runtime, Python or a value has."""

import builtins
from importlib import import_module

import pytest

import saltern_runtime.expr as helpers
from saltern_compiler.expr.functions import FUNCTIONS, METHODS
from saltern_targets.python.expr.functions import _HOW, _PLAIN, how

SIGNATURES = [(name, one) for table in (FUNCTIONS, METHODS) for name, many in table.items() for one in many]


@pytest.mark.parametrize(("name", "overload"), SIGNATURES, ids=lambda value: str(value)[:40])
def test_every_signature_prints(name, overload):
    """A helper is in the runtime's list, a builtin is Python's, a method is one of a text."""
    python = how(name, overload)
    if python.startswith("@"):
        assert python[1:] in helpers.__all__
    elif python.startswith("."):
        assert hasattr(str, python[1:])
    elif "." in python:
        module, name = python.split(".")
        assert hasattr(import_module(module), name)
    elif not python.startswith("[") and python not in ("", "in"):
        assert hasattr(builtins, python)


def test_what_prints_in_a_way_of_its_own_is_a_function():
    """No line of the table is left behind when a function goes."""
    assert _HOW.keys() | _PLAIN.keys() <= FUNCTIONS.keys() | METHODS.keys()
