"""Says how far a Deployment's rollout is, and what holds it up: read from the cluster, in words for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_compiler.driver.cluster import Cluster, Object
from saltern_runtime.dataclass import dataclass

_STARTING: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
_REVISION: Final = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a Deployment stands."""

    name: str
    done: bool
    failed: bool
    """Its progress deadline has passed."""
    state: str
    troubles: tuple[str, ...] = ()
    """What its newest pods wait for, sorted."""


def look(cluster: Cluster, wanted: Object) -> Rollout:
    """Return how the rollout of a Deployment stands; raises ClusterError."""
    name = wanted["metadata"]["name"]
    there = cluster.get(wanted)
    if there is None:
        return Rollout(name, done=False, failed=True, state="it was deleted")
    status = there.get("status", {})
    replicas = there["spec"].get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    state = f"{available} of {replicas} pods available"
    if updated < replicas or status.get("replicas", 0) > updated:
        state += f", {updated} of this version"
    current = status.get("observedGeneration", 0) >= there["metadata"]["generation"]
    if current and updated == status.get("replicas", 0) == replicas and available >= replicas:
        return Rollout(name, done=True, failed=False, state=state)
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    late = current and conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded"
    return Rollout(name, done=False, failed=late, state=state, troubles=tuple(sorted({*_troubles(cluster, there)})))


def _troubles(cluster: Cluster, deployment: Object) -> Iterator[str]:
    for condition in deployment.get("status", {}).get("conditions", ()):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            yield f"a pod cannot be made: {condition.get('message', condition.get('reason', ''))}"
    for pod in _newest_pods(cluster, deployment):
        yield from _waits(pod)


def _newest_pods(cluster: Cluster, deployment: Object) -> Iterator[Object]:
    """Yield the pods of the Deployment's present template: those of older ones are not what is waited for."""
    meta = deployment["metadata"]
    labels = deployment["spec"]["selector"]["matchLabels"]
    revision = meta.get("annotations", {}).get(_REVISION)
    for replica_set in cluster.list("apps/v1", "ReplicaSet", meta["namespace"], labels):
        if replica_set["metadata"].get("annotations", {}).get(_REVISION) == revision:
            uid = replica_set["metadata"]["uid"]
            for pod in cluster.list("v1", "Pod", meta["namespace"], labels):
                if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences", ())):
                    yield pod


def _waits(pod: Object) -> Iterator[str]:
    status = pod.get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"no node takes the pod: {condition.get('message', condition.get('reason', ''))}"
    images = {container["name"]: container["image"] for container in pod["spec"]["containers"]}
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason", "") in _STARTING:
            continue
        said = f": {waiting['message']}" if waiting.get("message") else ""
        image = images.get(container["name"], container.get("image", ""))
        what = f"waits for the image {image}" if "Image" in waiting["reason"] else f"of the image {image} does not run"
        yield f"the container {container['name']} {what}: {waiting['reason']}{said}"
