"""A real API server: the one that SALTERN_TEST_KUBECONFIG names, with its current context; skipped where there is none."""

import os
import secrets
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

from saltern_compiler.driver.cluster import Cluster, ClusterError

SALTERN = Path(sysconfig.get_path("scripts"), "saltern")


@pytest.fixture(scope="session")
def kubeconfig():
    named = os.environ.get("SALTERN_TEST_KUBECONFIG", "")
    if not named:
        pytest.skip("SALTERN_TEST_KUBECONFIG names no cluster (kind, or any other that may be written to)")
    return Path(named)


@pytest.fixture(scope="session")
def context(kubeconfig):
    return yaml.safe_load(kubeconfig.read_text())["current-context"]


@pytest.fixture(scope="session")
def cluster(kubeconfig, context):
    return Cluster(context, str(kubeconfig))


@pytest.fixture(scope="session")
def image(cluster):
    """Return an image that the nodes can start: on kwok's nodes any, elsewhere the one that SALTERN_TEST_IMAGE names."""
    nodes = cluster.list("v1", "Node", None, {})
    if all(node["status"]["nodeInfo"]["kubeletVersion"].startswith("kwok") for node in nodes):
        return "registry.example/triage:1"
    if "SALTERN_TEST_IMAGE" not in os.environ:
        pytest.skip("SALTERN_TEST_IMAGE names no image of the example for the nodes of this cluster")
    return os.environ["SALTERN_TEST_IMAGE"]


@pytest.fixture
def namespace(cluster):
    """Return the name of a namespace of this test's own; it goes afterwards, without waiting for it."""
    name = f"saltern-test-{secrets.token_hex(4)}"
    yield name
    cluster.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


@pytest.fixture
def deploy(kubeconfig, context):
    """Run `saltern deploy`: exit code, standard output, standard error."""

    def call(*arguments):
        done = subprocess.run(
            [SALTERN, "deploy", *map(str, arguments), "--context", context],
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.fixture
def restricted(cluster, namespace):
    """Make the namespace as a platform team would: Pod Security "restricted" and a quota that names every resource."""

    def make(**hard):
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
        amounts = {"requests.cpu": "16", "limits.cpu": "32", "requests.memory": "32Gi", "limits.memory": "32Gi"}
        amounts |= {"requests.ephemeral-storage": "32Gi", "limits.ephemeral-storage": "64Gi", "pods": "40"} | hard
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "all", "namespace": namespace}}
        for _ in range(50):
            try:
                cluster.apply({**quota, "spec": {"hard": amounts}})
            except ClusterError:
                continue
            break
        return namespace

    return make
