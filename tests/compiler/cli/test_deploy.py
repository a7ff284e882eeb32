"""`saltern deploy` where there is no cluster: what it refuses, and how it says so. tests/cluster has the rest."""

import pytest

from saltern_compiler.driver.cluster import Cluster, ClusterError, load_base, moved, read_base
from tests.support.redis import free_port

CONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: gone, cluster: {{server: "https://127.0.0.1:{port}"}}}}]
users: [{{name: gone, user: {{token: x}}}}]
contexts: [{{name: gone, context: {{cluster: gone, user: gone}}}}]
current-context: gone
"""


def test_a_cluster_that_does_not_answer(tmp_path):
    """The message names the context and the address."""
    port = free_port()
    file = tmp_path / "config"
    file.write_text(CONFIG.format(port=port))
    with pytest.raises(ClusterError, match=rf"cannot ask gone: https://127\.0\.0\.1:{port} does not answer"):
        Cluster("gone", str(file))


@pytest.mark.parametrize("text", ["", "not: [yaml", "clusters: 3", "a: b"])
def test_a_kubeconfig_that_is_none(tmp_path, text):
    """Whatever stands in it, the message says which context cannot be used."""
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(ClusterError, match="the context 'gone' cannot be used"):
        Cluster("gone", str(file))


def test_a_folder_without_a_base(tmp_path):
    """It says what is missing and how it is made."""
    with pytest.raises(
        ClusterError, match=r"no deploy/kubernetes/kustomization\.yaml there; build with --target kubernetes"
    ):
        load_base(tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        {"kustomization.yaml": b"resources: [gone.yaml]"},
        {"kustomization.yaml": b"[]"},
        {"kustomization.yaml": b"resources: [a.yaml]", "a.yaml": b"a: [b"},
        {"kustomization.yaml": b"resources: [a.yaml]", "a.yaml": b"- x"},
        {"kustomization.yaml": b"resources: [a.yaml]", "a.yaml": b"kind: Service"},
        {"kustomization.yaml": b"resources: []"},
        {"kustomization.yaml": b"resources: ['../../../etc/passwd']"},
    ],
)
def test_a_base_that_is_none(files):
    """A folder that was changed into nonsense is refused, and nothing outside it is read."""
    with pytest.raises(ClusterError, match="is no kustomize base of ours"):
        read_base({f"deploy/kubernetes/{name}": data for name, data in files.items()})


def test_moving_moves_everything():
    """The namespace itself and all that lies in it."""
    space = {"kind": "Namespace", "metadata": {"name": "a"}}
    inside = {"kind": "Service", "metadata": {"name": "a", "namespace": "a"}}
    assert [each["metadata"] for each in moved([space, inside], "b")] == [
        {"name": "b"},
        {"name": "a", "namespace": "b"},
    ]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--dry-run",), "--dry-run is for --prune"),
        (("--prune", "--delete"), "--prune and --delete are two things"),
    ],
)
def test_flags_that_do_not_go_together(saltern, flags, said):
    """It is misuse, and no cluster is asked."""
    code, out, err = saltern("deploy", "a.saltern", "--context", "gone", *flags)
    assert (code, out) == (2, "")
    assert said in err
