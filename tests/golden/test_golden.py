"""The exact trees that targets emit, as files under golden/<case>/<target>/. `make golden` writes them again."""

import json
from pathlib import Path

import pytest
from syrupy.data import SnapshotCollections
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from saltern_compiler.driver import BUILD_FILE, Source, compile_loaded
from saltern_compiler.driver.compile import EVERY_TARGET
from saltern_compiler.registry import Registry

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "golden"
SOURCES = {path.stem: path for path in sorted((ROOT / "examples").glob("*/*.saltern"))}
pytestmark = pytest.mark.filterwarnings("ignore:.*Can not relate snapshot:UserWarning")


class TreeFile(SingleFileSnapshotExtension):
    """A snapshot that is the file itself, at its own path under golden/."""

    @classmethod
    def get_snapshot_name(cls, *, test_location, index=0):
        return str(index)

    @classmethod
    def get_location(cls, *, test_location, index):
        return str(GOLDEN / str(index))

    def discover_snapshots(self, **_):
        return SnapshotCollections()


def emitted(case):
    """Return path under golden/ → content: each file under the target that emits it, shared ones under `python`."""
    result = compile_loaded(Source.load(str(SOURCES[case])), targets=EVERY_TARGET)
    registry = Registry.load()
    owner = {
        path: name
        for name in registry.target_names()
        for path in registry.target(name).emit(result.plan, {})
        if name != "python"
    }
    return {f"{case}/{owner.get(path, 'python')}/{path}": data for path, data in result.artifacts.items()}


@pytest.mark.parametrize("case", SOURCES)
def test_every_file_is_the_golden_one(case, snapshot):
    """Each emitted file equals the one that was reviewed; one that is missing there fails."""
    golden = snapshot.use_extension(TreeFile)
    different = [path for path, data in emitted(case).items() if golden(name=path) != data]
    assert different == [], "look at the changes, then run `make golden`"


@pytest.mark.parametrize("case", SOURCES)
def test_no_golden_file_is_left_over(case, request):
    """A golden file that is no longer emitted fails, and goes when the goldens are written again."""
    there = {str(path.relative_to(GOLDEN)) for path in (GOLDEN / case).rglob("*") if path.is_file()}
    left_over = sorted(path for path in there - emitted(case).keys() if "__pycache__" not in path)
    if request.config.option.update_snapshots:
        for path in left_over:
            (GOLDEN / path).unlink()
        return
    assert left_over == []


def test_every_golden_folder_has_an_example():
    """A case that is gone takes its golden tree along."""
    folders = {path.name for path in GOLDEN.iterdir() if path.is_dir()} if GOLDEN.is_dir() else set()
    assert folders <= set(SOURCES)


@pytest.mark.parametrize("case", SOURCES)
def test_the_build_file_lists_every_other_file(case):
    """saltern-build.json holds the digest of each file but itself."""
    result = compile_loaded(Source.load(str(SOURCES[case])), targets=EVERY_TARGET)
    listed = json.loads(result.artifacts[BUILD_FILE])["files"]
    assert set(listed) == set(result.artifacts) - {BUILD_FILE}
