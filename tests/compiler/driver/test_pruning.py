"""What may be removed of a service's older versions, read off objects as a cluster has them. tests/cluster has the rest."""

import pytest

from saltern_compiler.driver.cluster import ClusterError
from saltern_compiler.driver.pruning import old_versions, require_ours, require_settled

NEW, OLD = "bbbbbbbb", "aaaaaaaa"


def thing(kind, name, component, version, **more):
    labels = {"component": component, "version": version, "part-of": "t", "managed-by": "saltern"}
    meta = {
        "name": name,
        "namespace": "t",
        "labels": {f"app.kubernetes.io/{key}": value for key, value in labels.items()},
    }
    return {"apiVersion": "v1", "kind": kind, "metadata": {**meta, "generation": 1}, **more}


def deployment(name, component, version, settings="c-1"):
    containers = [{"envFrom": [{"configMapRef": {"name": settings}}]}]
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"of": component}},
        "template": {"spec": {"containers": containers}},
    }
    status = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "observedGeneration"), 1)
    made = thing("Deployment", name, component, version, spec=spec, status=status)
    made["metadata"]["annotations"] = {"saltern/plan": f"sha256:{version}"}
    return made


class Held:
    """A cluster that holds what it is given."""

    def __init__(self, *objects, pods=()):
        self.objects = {each["metadata"]["name"]: each for each in objects}
        self.pods = pods

    def get(self, of):
        return self.objects.get(of["metadata"]["name"])

    def list(self, _version, _kind, _namespace, labels):
        return [pod for pod in self.pods if f"app-{labels['of']}" in pod["metadata"]["name"]]

    def ours(self, _wanted):
        return iter(self.objects.values())


API, TIMERS = deployment("t-api", "api", NEW), deployment("t-timers", "timers", NEW)
WANTED = (API, TIMERS)
POD = thing("Pod", "app-api-1", "api", NEW)


def test_workers_of_other_versions_with_what_is_theirs_alone():
    """Deployments first; settings that something else takes stay, and so does whatever is no worker's."""
    old = deployment("t-worker-a-old", "worker-a", OLD, "c-old")
    other = deployment("t-worker-b-old", "worker-b", OLD)
    more = [
        thing("PodDisruptionBudget", "t-worker-a-old", "worker-a", OLD), thing("ConfigMap", "c-old", "config", NEW),
        thing("ConfigMap", "c-1", "config", OLD), thing("NetworkPolicy", "t-shared", "network", OLD), thing("Namespace", "t", "namespace", ""),
    ]  # fmt: skip
    held = {id(each): each for each in (*more, old, other, *WANTED, deployment("t-worker-a", "worker-a", NEW))}
    cluster = Held(*WANTED)
    cluster.ours = lambda _: iter(held.values())
    (found,) = old_versions(cluster, WANTED)
    assert found.version == OLD
    assert [(each["kind"], each["metadata"]["name"]) for each in found.objects] == [
        ("Deployment", "t-worker-a-old"),
        ("Deployment", "t-worker-b-old"),
        ("ConfigMap", "c-old"),
        ("PodDisruptionBudget", "t-worker-a-old"),
    ]


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (Held(TIMERS), "deployment/t-api is not there"),
        (Held(deployment("t-api", "api", OLD), TIMERS), f"deployment/t-api is of version {OLD}, not {NEW}"),
        (Held(API | {"status": {}}, TIMERS), "deployment/t-api is still being rolled out"),
        (Held(API, TIMERS, pods=(POD, thing("Pod", "app-api-0", "api", OLD))), "pods of an older api are still ending: app-api-0"),
        (Held(API, deployment("t-timers", "timers", OLD)), "deployment/t-timers is of version"),
    ],
)  # fmt: skip
def test_nothing_goes_while_another_version_starts_runs(cluster, said):
    """An API, or timers, of another version may make a run of it at any moment."""
    with pytest.raises(ClusterError, match=said):
        require_settled(cluster, WANTED)


def test_a_version_that_took_over():
    """Its API and timers alone are there, and one of its pods answers for its plan."""
    cluster = Held(*WANTED, pods=(POD,))
    require_settled(cluster, WANTED)
    require_ours(cluster, WANTED, "app-api-1", f"sha256:{NEW}")
    for instance, current, said in (
        ("app-api-2", f"sha256:{NEW}", "which is no API pod of this service here"),
        ("app-api-1", f"sha256:{OLD}", "the service starts runs of"),
    ):
        with pytest.raises(ClusterError, match=said):
            require_ours(cluster, WANTED, instance, current)


def test_a_base_without_an_api():
    """It is none of ours."""
    with pytest.raises(ClusterError, match="no Deployment of the component api"):
        old_versions(Held(), (TIMERS,))
