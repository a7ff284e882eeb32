"""Generated trees for tests: compiled once a session, imported under their own names."""

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path

from saltern_compiler.driver import Source, compile_loaded, write_tree

ROOT = Path(__file__).parents[2]
SOURCES = {
    path.stem: path
    for path in (
        *sorted((ROOT / "examples").glob("*/*.saltern")),
        *sorted((ROOT / "tests/targets/cases").glob("*.saltern")),
    )
}


def build(case, directory):
    """Build a case into a folder that is not there yet."""
    result = compile_loaded(Source.load(str(SOURCES[case])))
    assert not result.has_errors, result.diagnostics
    write_tree(result.artifacts, directory)
    return directory


@contextmanager
def importable(tree, package):
    """Import from a tree, and forget all of it afterwards."""
    sys.path.insert(0, str(tree))
    importlib.invalidate_caches()
    try:
        yield lambda name: importlib.import_module(f"{package}.{name}" if name else package)
    finally:
        sys.path.remove(str(tree))
        for name in [each for each in sys.modules if each == package or each.startswith(f"{package}.")]:
            del sys.modules[name]
