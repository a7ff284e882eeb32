"""Fixtures that all tests share; each family of them stands in a module of `tests/support`."""

from importlib.util import find_spec

pytest_plugins = [
    name for name in ("tests.support.redis", "tests.support.postgres", "tests.support.doubles") if find_spec(name)
]
