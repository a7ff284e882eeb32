"""A generated tree is a distribution: pip installs it, and it works from where it was installed."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support.built import build

SCRIPT = """
import json
from importlib import resources
from fastapi import FastAPI
from support_triage import GRAPH, Input, router
import support_triage
app = FastAPI()
app.include_router(router, prefix="/triage")
print(json.dumps({
    "file": support_triage.__file__,
    "paths": sorted(app.openapi()["paths"]),
    "plan": GRAPH.digest,
    "typed": resources.files("support_triage").joinpath("py.typed").is_file(),
    "input": sorted(Input.model_fields),
}))
"""


def test_the_tree_installs_with_pip_into_another_environment(tmp_path):
    """In a fresh environment, without network, `from support_triage import router` goes into another app; data files are there."""
    pytest.importorskip("hatchling")
    tree = build("support_triage", tmp_path / "tree")
    env_dir = tmp_path / "env"
    venv.create(env_dir, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(env_dir), "platbase": str(env_dir)}))
    # What the service stands on is already in this environment; the fresh one sees it behind its own packages.
    (site / "dependencies.pth").write_text(
        f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8"
    )
    python = env_dir / "bin" / "python"
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONPATH": ""}
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--prefix",
        env_dir,
        tree,
    ]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run([python, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["file"].startswith(str(site))
    assert "/triage/tickets" in seen["paths"]
    assert seen["plan"].startswith("sha256:")
    assert seen["typed"] is True
    assert seen["input"] == ["body", "id", "subject"]
    assert sys.prefix not in seen["file"]
