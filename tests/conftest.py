"""Fixtures that all tests share; each family of them stands in a module of `tests/support`."""

from importlib.util import find_spec

from hypothesis import settings

pytest_plugins = [
    name
    for name in (
        "tests.support.collector",
        "tests.support.redis",
        "tests.support.clusters",
        "tests.support.sentinels",
        "tests.support.tls",
        "tests.support.s3",
        "tests.support.postgres",
        "tests.support.doubles",
        "tests.support.operated",
        "tests.support.spans",
    )
    if find_spec(name)
]

# How long an example takes says how busy the machine is, and no more.
settings.register_profile("saltern", deadline=None)
settings.load_profile("saltern")
