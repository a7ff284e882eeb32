"""The base as kustomize reads it: Kubernetes' own YAML parser, not Python's."""

import dataclasses
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from saltern_compiler.driver import Source, compile_loaded
from saltern_targets.kubernetes.target import emit

ROOT = Path(__file__).parents[2]
TRIAGE = ROOT / "examples/support_triage/support_triage.saltern"
BASE = "deploy/kubernetes"


@pytest.fixture
def kubectl():
    named = shlex.split(os.environ.get("SALTERN_TEST_KUBECTL", "")) or [shutil.which("kubectl")]
    if named == [None]:
        pytest.skip("no kubectl here; SALTERN_TEST_KUBECTL may name one")
    return named


def key(each):
    return each["kind"], each["metadata"]["name"]


@pytest.mark.parametrize("digest", ["a" * 8, "12345678", "12e45678", "0o123456"])
def test_kustomize_sees_the_same_objects(kubectl, tmp_path, digest):
    """Nothing changes its type on the way, even where a digest looks like a number."""
    plan = compile_loaded(Source.load(str(TRIAGE)), targets=("kubernetes",)).plan
    files = emit(dataclasses.replace(plan, digest=f"sha256:{digest}{'0' * 56}"), {})
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    built = subprocess.run([*kubectl, "kustomize", tmp_path / BASE], capture_output=True, text=True, check=True).stdout
    ours = [
        each
        for path, data in files.items()
        if not path.endswith("kustomization.yaml")
        for each in yaml.safe_load_all(data)
    ]
    assert sorted(yaml.safe_load_all(built), key=key) == sorted(ours, key=key)
