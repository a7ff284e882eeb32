"""What of a service's older versions may be removed from a cluster: workers, and what belongs to them alone.

Whether a version has open runs only the service's own store knows. So whoever answers for it must be a pod of this very service;
and nothing is removed while another version is on its way in or out, since its runs may be about to begin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from saltern_compiler.driver.cluster import Cluster, ClusterError, Object, title
from saltern_compiler.driver.rollout import look
from saltern_runtime.dataclass import dataclass

_PREFIX: Final = "app.kubernetes.io/"
_PLAN: Final = "saltern/plan"
_API: Final = "api"
_STARTERS: Final = (_API, "timers")
"""Components that start runs, each of its own version."""
_WORKER: Final = "worker-"
_FIRST: Final = "Deployment"


@dataclass(frozen=True, slots=True)
class Old:
    """A version whose workers are there beside those of the wanted one."""

    version: str
    """The short form of its plan's digest."""
    objects: tuple[Object, ...]
    """All that belongs to its workers alone: the Deployments first."""


def plan_of(wanted: Iterable[Object]) -> str:
    """Return the digest of the plan that a base runs; raises ClusterError."""
    return str(_starter(wanted, _API)["metadata"].get("annotations", {}).get(_PLAN, ""))


def require_settled(cluster: Cluster, wanted: Sequence[Object]) -> None:
    """Raise ClusterError unless the wanted version has taken over: nothing else starts runs any more."""
    version = _label(_starter(wanted, _API), "version")
    for component in _STARTERS:
        mine = _starter(wanted, component)
        there = cluster.get(mine)
        if there is None or _label(there, "version") != version:
            what = "is not there" if there is None else f"is of version {_label(there, 'version')}, not {version}"
            raise ClusterError(f"{title(mine)} {what}: deploy this version first")
        if not look(cluster, mine).done:
            raise ClusterError(f"{title(mine)} is still being rolled out: wait until it is done")
        others = [pod for pod in _pods(cluster, mine) if _label(pod, "version") != version]
        if others:
            raise ClusterError(f"pods of an older {component} are still ending: {', '.join(map(_name, others))}")


def require_ours(cluster: Cluster, wanted: Sequence[Object], instance: str, current: str) -> None:
    """Raise ClusterError unless a pod of this service answered, and starts runs of the wanted plan."""
    names = {_name(pod) for pod in _pods(cluster, _starter(wanted, _API))}
    if instance not in names:
        raise ClusterError(
            f"{instance!r} answered, which is no API pod of this service here: the address leads elsewhere"
        )
    if current != plan_of(wanted):
        raise ClusterError(
            f"the service starts runs of {current[:19]}, and this is {plan_of(wanted)[:19]}: deploy it first"
        )


def old_versions(cluster: Cluster, wanted: Sequence[Object]) -> tuple[Old, ...]:
    """Return the versions that are there beside the wanted one, by their short forms."""
    version = _label(_starter(wanted, _API), "version")
    there = [each for each in cluster.ours(wanted) if each["kind"] != "Namespace"]
    workers: dict[str, list[Object]] = {}
    for each in there:
        if _label(each, "component").startswith(_WORKER) and _label(each, "version") != version:
            workers.setdefault(_label(each, "version"), []).append(each)
    return tuple(Old(name, _whole(objects, there)) for name, objects in sorted(workers.items()) if name)


def put_back(cluster: Cluster, old: Old) -> None:
    """Make again what was removed of a version, as it was."""
    for each in reversed(old.objects):
        meta = {
            key: each["metadata"][key]
            for key in ("name", "namespace", "labels", "annotations")
            if key in each["metadata"]
        }
        bare = {key: value for key, value in each.items() if key not in ("metadata", "status")}
        cluster.apply({**bare, "metadata": meta}, force=True)


def _whole(objects: list[Object], there: Sequence[Object]) -> tuple[Object, ...]:
    """Add the settings that no other Deployment takes; Deployments come first, so that no pod is made without what it needs."""
    names = set(map(title, objects))
    mine = {name for each in objects for name in _settings(each)}
    used = {name for each in there if title(each) not in names for name in _settings(each)}
    settings = [each for each in there if each["kind"] == "ConfigMap" and _name(each) in mine - used]
    return tuple(sorted((*objects, *settings), key=lambda each: (each["kind"] != _FIRST, title(each))))


def _settings(of: Object) -> Iterator[str]:
    """Yield the names of the ConfigMaps that a Deployment's containers take their variables from."""
    if of["kind"] != _FIRST:
        return
    for container in of["spec"]["template"]["spec"]["containers"]:
        for source in container.get("envFrom") or ():
            if "configMapRef" in source:
                yield source["configMapRef"]["name"]


def _starter(wanted: Iterable[Object], component: str) -> Object:
    for each in wanted:
        if each["kind"] == _FIRST and _label(each, "component") == component:
            return each
    raise ClusterError(f"the base has no Deployment of the component {component}")


def _pods(cluster: Cluster, deployment: Object) -> list[Object]:
    """Return the pods of a Deployment's component, of any version."""
    labels = deployment["spec"]["selector"]["matchLabels"]
    return cluster.list("v1", "Pod", deployment["metadata"]["namespace"], labels)


def _name(of: Object) -> str:
    return str(of["metadata"]["name"])


def _label(of: Object, name: str) -> str:
    return str((of["metadata"].get("labels") or {}).get(f"{_PREFIX}{name}", ""))
