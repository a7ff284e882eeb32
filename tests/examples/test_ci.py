"""The CI file that people copy does what it says: its own commands are run here, on a repository like the one it names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from saltern_runtime.version import __version__

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples/ci/github-actions.yml"
[JOB] = yaml.safe_load(FILE.read_text())["jobs"].values()
COMMANDS = [step["run"] for step in JOB["steps"] if "run" in step]


@pytest.fixture
def repository(tmp_path):
    """Make a repository with the pipeline and its tree where the file expects them."""
    pipeline = tmp_path / JOB["env"]["PIPELINE"]
    pipeline.parent.mkdir(parents=True)
    shutil.copy(ROOT / "examples/support_triage" / pipeline.name, pipeline)
    assert run(tmp_path, 'saltern build "$PIPELINE" -o "$TREE"').returncode == 0
    return tmp_path


def run(folder, command):
    """Run a step as the runner does: bash, stopping at the first error."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, **JOB["env"], "PATH": path}
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    return subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_installs_this_version_and_asks_for_no_rights():
    """The first command installs saltern as it is here; the job may read the repository and nothing else."""
    assert COMMANDS[0] == f'python -m pip install "saltern=={__version__}"'
    assert yaml.safe_load(FILE.read_text())["permissions"] == {"contents": "read"}


def test_a_fresh_tree_passes(repository):
    """All steps succeed, and none of them writes anything."""
    before = files(repository)
    assert [run(repository, command).returncode for command in COMMANDS[1:]] == [0, 0]
    assert files(repository) == before


def test_a_stale_tree_fails_with_its_difference(repository):
    """A changed pipeline whose tree was not built again stops the job, and the log shows what would change."""
    pipeline = repository / JOB["env"]["PIPELINE"]
    pipeline.write_text(pipeline.read_text().replace("#billing", "#money"))
    before = files(repository)
    checked, compared = (run(repository, command) for command in COMMANDS[1:])
    assert (checked.returncode, compared.returncode) == (0, 1)
    assert '-        ctx, channel="#billing"' in compared.stdout
    assert '+        ctx, channel="#money"' in compared.stdout
    assert "support_triage/nodes.py: stale" in compared.stderr
    assert files(repository) == before


def test_a_broken_pipeline_fails(repository):
    """Findings stop the job at the first step."""
    pipeline = repository / JOB["env"]["PIPELINE"]
    pipeline.write_text(pipeline.read_text().replace("classify.category", "clasify.category"))
    assert run(repository, COMMANDS[1]).returncode == 1
