"""What the objects of a service share: names, labels, security, probes, where environment variables come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from kubernetes.client import (
    V1Capabilities,
    V1ConfigMap,
    V1ConfigMapEnvSource,
    V1ContainerPort,
    V1EmptyDirVolumeSource,
    V1EnvFromSource,
    V1EnvVar,
    V1EnvVarSource,
    V1ExecAction,
    V1HTTPGetAction,
    V1LabelSelector,
    V1ObjectMeta,
    V1PodSecurityContext,
    V1Probe,
    V1ResourceRequirements,
    V1SeccompProfile,
    V1SecretKeySelector,
    V1SecurityContext,
    V1TopologySpreadConstraint,
    V1Volume,
    V1VolumeMount,
)

from saltern_compiler.ir.plan import Plan
from saltern_runtime.dataclass import dataclass
from saltern_targets import processes
from saltern_targets.kubernetes.names import app_name, object_name, short_digest

PORT_NAME: Final = "http"
_PREFIX: Final = "app.kubernetes.io/"
_TMP: Final = "/tmp"  # noqa: S108 - the container's own, an emptyDir
_CONFIG: Final = {
    "PYTHONUNBUFFERED": "1",
    "SALTERN_DOCS": "token",
    "SALTERN_DURABILITY": "none",
    "SALTERN_HEARTBEAT_FILE": processes.HEARTBEAT,
    "SALTERN_MAX_BODY": "1048576",
    "SALTERN_MAX_FILE": "268435456",
    "SALTERN_PAYLOADS": "",
    "SALTERN_PRIVATE_NETWORKS": "",
    "SALTERN_SHARDS": "1",
    "SALTERN_UPLOAD_KEEP": "86400",
}
"""What an operator may want to change, with the runtime's own defaults; no secret is here."""
REDIS: Final = "SALTERN_REDIS_URL"
BROKER: Final = "SALTERN_BROKER_URL"
TOKENS: Final = "SALTERN_API_TOKENS"


@dataclass(frozen=True, slots=True)
class Service:
    """A pipeline as a service in a cluster."""

    plan: Plan
    namespace: str
    image: str

    @property
    def app(self) -> str:
        """The name that all names begin with."""
        return app_name(self.plan)

    @property
    def version(self) -> str:
        """The short form of the plan's digest."""
        return short_digest(self.plan)

    @property
    def secret(self) -> str:
        """The Secret that whoever operates the service makes."""
        return object_name(self.app, "secrets")

    @property
    def config(self) -> str:
        """The ConfigMap's name: another content has another name, so that pods of two versions keep their own."""
        content = json.dumps(_CONFIG, sort_keys=True).encode()
        return object_name(self.app, "config", hashlib.sha256(content).hexdigest()[:8])

    def meta(self, name: str, component: str, annotations: Mapping[str, str] | None = None) -> V1ObjectMeta:
        """Return the metadata of an object in the service's namespace."""
        return V1ObjectMeta(
            name=name,
            namespace=self.namespace,
            labels=self.labels(component),
            annotations=dict(annotations) if annotations else None,
        )

    def labels(self, component: str) -> dict[str, str]:
        """Return the recommended labels."""
        return {
            **self.identity(component),
            f"{_PREFIX}version": self.version,
            f"{_PREFIX}part-of": self.app,
            f"{_PREFIX}managed-by": "saltern",
        }

    def identity(self, component: str = "") -> dict[str, str]:
        """Return the labels that select pods, of one component or of all: they never change, as selectors may not."""
        every = {f"{_PREFIX}name": self.app, f"{_PREFIX}instance": self.app}
        return every | ({f"{_PREFIX}component": component} if component else {})

    def selector(self, component: str = "", *, pinned: bool = False) -> V1LabelSelector:
        """Select the pods of a component, or of all; pinned: those of this version of the plan alone."""
        version = {f"{_PREFIX}version": self.version} if pinned else {}
        return V1LabelSelector(match_labels=self.identity(component) | version)


def config_map(service: Service) -> V1ConfigMap:
    """Return the settings; immutable, for its name goes with its content."""
    return V1ConfigMap(
        api_version="v1",
        kind="ConfigMap",
        metadata=service.meta(service.config, "config"),
        data=_CONFIG,
        immutable=True,
    )


def config_source(service: Service) -> list[V1EnvFromSource]:
    """Return what makes every setting an environment variable."""
    return [V1EnvFromSource(config_map_ref=V1ConfigMapEnvSource(name=service.config))]


def secret_env(service: Service, names: Iterable[str], optional: Iterable[str] = ()) -> list[V1EnvVar]:
    """Return a variable for each secret: the Secret's key is the variable's name."""
    absent = frozenset(optional)
    return [
        V1EnvVar(
            name=name,
            value_from=V1EnvVarSource(
                secret_key_ref=V1SecretKeySelector(
                    name=service.secret, key=name, optional=True if name in absent else None
                )
            ),
        )
        for name in sorted({*names, *absent})
    ]


def pod_security() -> V1PodSecurityContext:
    """Pod Security "restricted", for the pod."""
    return V1PodSecurityContext(
        run_as_non_root=True,
        run_as_user=processes.USER,
        run_as_group=processes.USER,
        seccomp_profile=V1SeccompProfile(type="RuntimeDefault"),
    )


def container_security() -> V1SecurityContext:
    """Pod Security "restricted" and a read-only root, for the container."""
    return V1SecurityContext(
        allow_privilege_escalation=False,
        capabilities=V1Capabilities(drop=["ALL"]),
        privileged=False,
        read_only_root_filesystem=True,
    )


def resources(*, cpu: str, most_cpu: str, memory: str) -> V1ResourceRequirements:
    """Request and limit all that a ResourceQuota may ask for; memory is never overcommitted."""
    return V1ResourceRequirements(
        requests={"cpu": cpu, "memory": memory, "ephemeral-storage": "64Mi"},
        limits={"cpu": most_cpu, "memory": memory, "ephemeral-storage": "512Mi"},
    )


def tmp_volume() -> V1Volume:
    """Return the one place that can be written."""
    return V1Volume(name="tmp", empty_dir=V1EmptyDirVolumeSource(size_limit="256Mi"))


def tmp_mount() -> V1VolumeMount:
    """Mount it."""
    return V1VolumeMount(name="tmp", mount_path=_TMP)


def http_port() -> V1ContainerPort:
    """Return the API's port."""
    return V1ContainerPort(name=PORT_NAME, container_port=processes.PORT, protocol="TCP")


def http_probe(path: str, *, period: int, failures: int, timeout: int = 3) -> V1Probe:
    """Ask the API over HTTP."""
    return V1Probe(
        http_get=V1HTTPGetAction(path=path, port=PORT_NAME, scheme="HTTP"),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def heartbeat_probe(*, period: int, failures: int) -> V1Probe:
    """Look how old the heartbeat file is; a Python process each time, hence the seldom periods."""
    return V1Probe(
        _exec=V1ExecAction(command=list(processes.WORK_ALIVE)),  # type: ignore[call-arg]  # the plugin sees `var_exec`, which is dropped
        period_seconds=period,
        timeout_seconds=10,
        failure_threshold=failures,
    )


def spread(service: Service, component: str) -> list[V1TopologySpreadConstraint]:
    """Spread a component's pods over zones and nodes, as far as there are any."""
    return [
        V1TopologySpreadConstraint(
            max_skew=1,
            topology_key=key,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=service.selector(component),
            match_label_keys=["pod-template-hash"],
        )
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
