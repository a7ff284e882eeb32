"""The wheel of saltern-runtime: what its build backend makes and what `saltern wheel` packs hold the same."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from saltern_compiler.driver.wheel import write_wheel

ROOT = Path(__file__).parents[2]
EVERYTHING = """
import pkgutil, importlib, sys, saltern_runtime
from importlib.metadata import entry_points
import saltern_runtime.spec, saltern_runtime.expr, saltern_runtime.graph, saltern_runtime.observe.health
loaded = [each.load() for group in ("saltern.node_types", "saltern.connectors") for each in entry_points(group=group)]
print(len(loaded), saltern_runtime.__version__, "saltern_compiler" in sys.modules)
"""


def pip(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=["built", "packed"])
def wheel(request, tmp_path_factory):
    """Make a wheel, either way."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "packed":
        return write_wheel(folder)
    pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT / "runtime")
    return next(folder.glob("*.whl"))


def test_it_installs_alone(wheel, tmp_path):
    """In a fresh environment it brings pydantic and nothing of the compiler; each node type and connector loads its spec."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    pip("--python", python, "install", "--constraint", ROOT / "constraints.txt", wheel)
    done = subprocess.run([python, "-c", EVERYTHING], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    count, version, has_compiler = done.stdout.split()
    assert (int(count) > 10, version, has_compiler) == (True, wheel.name.split("-")[1], "False")


def test_both_hold_the_same_files(tmp_path):
    """The packed wheel holds what the built one does, but for who made it and the licence."""
    pip("wheel", "--no-deps", "--wheel-dir", tmp_path / "built", ROOT / "runtime")
    built = next((tmp_path / "built").glob("*.whl"))
    packed = write_wheel(tmp_path / "packed")
    assert packed.name == built.name
    with zipfile.ZipFile(built) as one, zipfile.ZipFile(packed) as other:
        code = [
            {name: each.read(name) for name in each.namelist() if ".dist-info/" not in name} for each in (one, other)
        ]
        assert code[0] == code[1]
        info = f"{'-'.join(packed.name.split('-')[:2])}.dist-info"
        for name in (f"{info}/METADATA", f"{info}/entry_points.txt"):
            assert one.read(name) == other.read(name)
