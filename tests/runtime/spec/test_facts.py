"""What several parts must agree on stands once, in `spec`; where it cannot be imported, it is compared."""

import inspect
import re
from importlib import resources
from pathlib import Path
from typing import get_type_hints

import pytest

import saltern_compiler
import saltern_runtime
import saltern_targets
from saltern_runtime.context import RunInfo
from saltern_runtime.graph import Graph
from saltern_runtime.settings import Settings
from saltern_runtime.spec.limits import AT_ONCE, DEADLINE, LEASE, RETENTION
from saltern_runtime.spec.names import RUN_TYPE, case_handle
from saltern_runtime.spec.types import STRING, TIMESTAMP


def test_what_is_not_said_is_what_spec_says():
    """The defaults of the runtime's settings and of a graph are the compiler's."""
    defaults = {name: each.default for name, each in inspect.signature(Graph).parameters.items()}
    assert (Settings(redis_url="redis://x").lease, defaults["deadline"], defaults["retention"]) == (
        LEASE,
        DEADLINE,
        RETENTION,
    )


def test_the_scripts_touch_no_more_entries_than_the_compiler_lets_depend():
    """The number stands in the scripts' prelude too, since Lua imports nothing."""
    prelude = resources.files("saltern_runtime.store").joinpath("scripts/prelude.lua").read_text()
    assert re.findall(r"AT_ONCE = (\d+)", prelude) == [str(AT_ONCE)]


def test_run_is_what_generated_code_takes():
    """`run` in an expression has the fields of `RunInfo`, with their types; what leads to addresses is for `run.callback`."""
    python = {STRING: "str", TIMESTAMP: "datetime"}
    assert {field.name: python[field.type] for field in RUN_TYPE.fields} == {
        name: hint.__name__ for name, hint in get_type_hints(RunInfo).items() if name != "links"
    }


def test_the_handle_of_a_case():
    """`true`, `false` and `null` as JSON has them; text and numbers as they are, so that a number and its text are one."""
    handles = [case_handle(value) for value in (True, False, None, 1, "1", "a b", "")]
    assert handles == ["case.true", "case.false", "case.null", "case.1", "case.1", "case.a b", "case."]


HOMES = {
    r"^[A-Za-z_]+(: Final)? = 64$": {
        "spec/limits.py",
        "analyses/conditions.py",  # terms of a condition
        "checks/names.py",  # letters of a name
        "saltern_runtime/jsontext.py",  # levels of a text
        "expr/maths.py",  # bits of an int
    },
    r"604_?800": {"spec/limits.py"},
    r"\b2 ?\*\* ?6[34]\b": {"saltern_runtime/integers.py"},
    r"[\"\']case\.[\"\'{]": {"spec/names.py"},
    r"\"input\", \"run\"|\"run\", \"input\"|\"then\", \"else\"": set(),
    r"get_close_matches": {"diagnostics/suggest.py"},
}
"""How a copy of a fact would be written, and the files that may write so."""


@pytest.mark.parametrize("pattern", HOMES)
def test_a_fact_has_one_home(pattern):
    """Whoever needs a fact imports it: a second copy would be right only until one of the two changes."""
    roots = [Path(package.__file__).parent for package in (saltern_compiler, saltern_runtime, saltern_targets)]
    paths = [path for root in roots for path in root.rglob("*.py")]
    homes = {"/".join(path.parts[-2:]) for path in paths if re.search(pattern, path.read_text(), re.MULTILINE)}
    assert homes == HOMES[pattern]
