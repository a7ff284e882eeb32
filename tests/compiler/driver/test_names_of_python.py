"""Names that a generated package cannot take come with us: neither a finding nor a byte depends on the machine that compiles."""

import builtins
import importlib.metadata
import json
import keyword
import subprocess
import sys
from pathlib import Path

import pytest

from saltern_compiler import pynames
from saltern_compiler.driver import compile_source
from saltern_compiler.pynames.__main__ import FILE, found_here

ROOT = Path(__file__).parents[3]


def findings(text):
    return [(each.code, each.message) for each in compile_source(text, source_name="p.saltern", targets=()).diagnostics]


def test_the_file_has_what_is_installed_here():
    """Run `make tables` where this fails: this Python or a requirement has names that the file does not know."""
    known = json.loads(FILE.read_text())
    assert not {name for kind, names in found_here().items() for name in names - set(known[kind])}


def test_the_file_knows_this_python():
    """Whatever this Python reserves is reserved."""
    assert {name for name in dir(builtins) if not name.startswith("_")} <= pynames.BUILTINS
    assert {*keyword.kwlist, *keyword.softkwlist} <= pynames.KEYWORDS
    assert {name for name in sys.stdlib_module_names if not name.startswith("_")} <= pynames.STANDARD_LIBRARY


@pytest.mark.parametrize(
    "name",
    [
        "cronsim",
        "hiredis",
        "h11",
        "httpcore",
        "jiter",
        "tzdata",
        "certifi",
        "async_timeout",
        "packaging",
        "celery",
        "json",
        "annotationlib",
        "tests",
    ],
)
def test_a_pipeline_does_not_hide_a_package(name):
    """Neither one that the service imports, nor one of a newer Python; the next best name is offered."""
    (found,) = compile_source(f"pipeline {name}\nreturn 1\n", source_name="p.saltern", targets=()).diagnostics
    assert (found.code, found.message) == ("invalid-name", f"the pipeline cannot be named `{name}`")
    assert found.fixes[0].title == f"Replace by `{name}_pipeline`"


def test_every_package_that_a_service_imports_is_refused():
    """All that a whole install brings, as the metadata of what is installed says it."""
    for distribution in ("saltern-runtime", "celery", "fastapi", "openai", "slack-sdk", "psycopg", "redis", "httpx"):
        for path in importlib.metadata.files(distribution) or ():
            name = path.parts[0]
            if path.name == "__init__.py" and len(path.parts) == 2 and name.isidentifier():
                assert name in pynames.PACKAGES


OTHER = """
import builtins, sys, zoneinfo
builtins.only_here = 1
sys.stdlib_module_names = frozenset({"only_here"})
zoneinfo.available_timezones = lambda: {"Only/Here"}
from saltern_compiler.driver import compile_source
text = sys.stdin.read()
result = compile_source(text, source_name="p.saltern")
assert not result.diagnostics, result.diagnostics
sys.stdout.buffer.write(b"".join(path.encode() + data for path, data in sorted(result.artifacts.items())))
"""


def test_another_python_gives_the_same_bytes():
    """One with other builtins, another standard library, and time zones of its own (here: ours, told so)."""
    text = """pipeline only_here
on schedule "0 7 * * *" { time_zone: "Europe/Zurich" }
only_here = set { value: 1 }
print = set { value: only_here }
return { a: print }
"""
    made = [
        subprocess.run(
            [sys.executable, "-c", code], input=text.encode(), capture_output=True, check=True, cwd=ROOT
        ).stdout
        for code in (OTHER, OTHER.partition("builtins.only_here")[0] + "from" + OTHER.partition("from")[2])
    ]
    assert made[0] == made[1]
    assert len(made[0]) > 1000


def test_time_zones_are_those_that_travel_with_us():
    """A zone that only the machine knows is unknown, and one that it lacks is not."""
    text = 'pipeline p\non schedule "0 7 * * *" { time_zone: "%s" }\nreturn 1\n'
    assert findings(text % "America/Argentina/Buenos_Aires") == []
    assert findings(text % "posixrules") == [("unknown-time-zone", "unknown time zone `posixrules`")]
