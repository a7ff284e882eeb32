"""What the objects of a service share: names, labels, security, probes, where environment variables come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from saltern_compiler.ir.plan import Plan
from saltern_runtime.dataclass import dataclass
from saltern_targets import processes
from saltern_targets.kubernetes.names import app_name, object_name, short_digest

Object = dict[str, Any]
"""What the API calls an object, as it takes it: tests hold each against the schemas of Kubernetes, strictly."""
PORT_NAME: Final = "http"
_PREFIX: Final = "app.kubernetes.io/"
_TMP: Final = "/tmp"  # noqa: S108 - the container's own, an emptyDir
_CONFIG: Final = {
    "PYTHONUNBUFFERED": "1",
    "SALTERN_DOCS": "token",
    "SALTERN_DURABILITY": "none",
    "SALTERN_HEARTBEAT_FILE": processes.HEARTBEAT,
    "SALTERN_LOGS": "json",
    "SALTERN_MAX_BODY": "1048576",
    "SALTERN_MAX_FILE": "268435456",
    "SALTERN_MAX_OPEN_RUNS": "0",
    "SALTERN_MEMORY": "0",
    "SALTERN_PAYLOADS": "",
    "SALTERN_PRIVATE_NETWORKS": "",
    "SALTERN_SHARDS": "1",
    "SALTERN_UPLOAD_KEEP": "86400",
}
"""What an operator may want to change, with the runtime's own defaults; no secret is here."""
REDIS: Final = "SALTERN_REDIS_URL"
BROKER: Final = "SALTERN_BROKER_URL"
TOKENS: Final = "SALTERN_API_TOKENS"
OPTIONAL: Final = (BROKER, processes.ENCRYPTION_KEYS)
"""What every process reads where the Secret has it."""


@dataclass(frozen=True, slots=True)
class Service:
    """A pipeline as a service in a cluster."""

    plan: Plan
    namespace: str
    image: str
    redis_ports: tuple[int, ...]
    """Where Redis is reached, and its sentinels: its address is a secret, which is not known here."""

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
    def traces(self) -> str:
        """The Secret with `OTEL_*` variables, which there may be: where traces are sent, and with which headers."""
        return object_name(self.app, "otel")

    @property
    def config(self) -> str:
        """The ConfigMap's name: another content has another name, so that pods of two versions keep their own."""
        content = json.dumps(_CONFIG, sort_keys=True).encode()
        return object_name(self.app, "config", hashlib.sha256(content).hexdigest()[:8])

    def meta(self, name: str, component: str, annotations: Mapping[str, str] | None = None) -> Object:
        """Return the metadata of an object in the service's namespace."""
        noted = {"annotations": dict(annotations)} if annotations else {}
        return {**noted, "labels": self.labels(component), "name": name, "namespace": self.namespace}

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

    def selector(self, component: str = "", *, pinned: bool = False) -> Object:
        """Select the pods of a component, or of all; pinned: those of this version of the plan alone."""
        version = {f"{_PREFIX}version": self.version} if pinned else {}
        return {"matchLabels": self.identity(component) | version}


def config_map(service: Service) -> Object:
    """Return the settings; immutable, for its name goes with its content."""
    return {
        "apiVersion": "v1",
        "data": _CONFIG,
        "immutable": True,
        "kind": "ConfigMap",
        "metadata": service.meta(service.config, "config"),
    }


def config_source(service: Service) -> list[Object]:
    """Return what makes every setting an environment variable, and what the operator sets for OpenTelemetry, if anything."""
    return [{"configMapRef": {"name": service.config}}, {"secretRef": {"name": service.traces, "optional": True}}]


def secret_env(service: Service, names: Iterable[str], optional: Iterable[str] = ()) -> list[Object]:
    """Return a variable for each secret: the Secret's key is the variable's name."""
    absent = frozenset(optional)
    return [
        {
            "name": name,
            "valueFrom": {
                "secretKeyRef": {"key": name, "name": service.secret, **({"optional": True} if name in absent else {})}
            },
        }
        for name in sorted({*names, *absent})
    ]


def pod_security() -> Object:
    """Pod Security "restricted", for the pod."""
    return {
        "runAsGroup": processes.USER,
        "runAsNonRoot": True,
        "runAsUser": processes.USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Object:
    """Pod Security "restricted" and a read-only root, for the container."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
    }


def resources(*, cpu: str, most_cpu: str, memory: str) -> Object:
    """Request and limit all that a ResourceQuota may ask for; memory is never overcommitted."""
    return {
        "limits": {"cpu": most_cpu, "memory": memory, "ephemeral-storage": "512Mi"},
        "requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": "64Mi"},
    }


def tmp_volume() -> Object:
    """Return the one place that can be written."""
    return {"emptyDir": {"sizeLimit": "256Mi"}, "name": "tmp"}


def tmp_mount() -> Object:
    """Mount it."""
    return {"mountPath": _TMP, "name": "tmp"}


def http_port() -> Object:
    """Return the API's port."""
    return {"containerPort": processes.PORT, "name": PORT_NAME, "protocol": "TCP"}


def http_probe(path: str, *, period: int, failures: int, timeout: int = 3) -> Object:
    """Ask the API over HTTP."""
    return {
        "failureThreshold": failures,
        "httpGet": {"path": path, "port": PORT_NAME, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
    }


def heartbeat_probe(*, period: int, failures: int) -> Object:
    """Look how old the heartbeat file is; a Python process each time, hence the seldom periods."""
    return {
        "exec": {"command": list(processes.WORK_ALIVE)},
        "failureThreshold": failures,
        "periodSeconds": period,
        "timeoutSeconds": 10,
    }


def spread(service: Service, component: str) -> list[Object]:
    """Spread a component's pods over zones and nodes, as far as there are any."""
    return [
        {
            "labelSelector": service.selector(component),
            "matchLabelKeys": ["pod-template-hash"],
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
