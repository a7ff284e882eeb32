"""Deployments of API, workers and timers, with what keeps them available."""

from __future__ import annotations

from saltern_targets import processes
from saltern_targets.kubernetes import parts
from saltern_targets.kubernetes.names import broker_queue, object_name
from saltern_targets.kubernetes.parts import Object, Service

API = "api"
TIMERS = "timers"
REPLICAS = 2
_OUTAGE = 300
"""Seconds after which a worker that cannot reach Redis ends by itself (SALTERN_UNREACHABLE)."""
_DRAIN = 5
"""Seconds until load balancers have heard that an API pod stops."""


def api_deployment(service: Service) -> Object:
    """Return the HTTP API. It names no number of replicas: that is the autoscaler's."""
    container = _container(
        service,
        {
            "command": list(processes.api(service.plan)),
            "env": parts.secret_env(
                service, (parts.REDIS, parts.TOKENS, *processes.api_secrets(service.plan)), optional=parts.OPTIONAL
            ),
            "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN}}},
            "livenessProbe": parts.http_probe("/healthz", period=10, failures=3),
            "name": API,
            "ports": [parts.http_port()],
            "readinessProbe": parts.http_probe("/readyz", period=10, failures=2, timeout=6),
            "resources": parts.resources(cpu="200m", most_cpu="1", memory="256Mi"),
            "startupProbe": parts.http_probe("/healthz", period=2, failures=30),
        },
    )
    return _deployment(
        service, object_name(service.app, API), API, container, grace=_DRAIN + processes.drain(service.plan) + 15
    )


def worker_deployment(service: Service, queue: str, component: str) -> Object:
    """Return the workers of one queue, of this version of the plan alone."""
    grace = processes.grace(service.plan, queue)
    container = _container(
        service,
        {
            "command": list(processes.worker(service.plan, queues=(broker_queue(service.plan, queue),))),
            "env": [
                {"name": "SALTERN_GRACE", "value": str(grace)},
                *parts.secret_env(
                    service,
                    (parts.REDIS, *processes.addresses(service.plan), *processes.worker_secrets(service.plan)),
                    optional=parts.OPTIONAL,
                ),
            ],
            "name": "worker",
            "resources": parts.resources(cpu="250m", most_cpu="2", memory="512Mi"),
            **_heartbeat(),
        },
    )
    name = versioned(service, component)
    return _deployment(service, name, component, container, grace=grace, replicas=REPLICAS, pinned=True)


def timers_deployment(service: Service) -> Object:
    """Return the timers: two replicas, both active."""
    container = _container(
        service,
        {
            "command": list(processes.timers(service.plan)),
            "env": parts.secret_env(service, (parts.REDIS,), optional=parts.OPTIONAL),
            "name": TIMERS,
            "resources": parts.resources(cpu="50m", most_cpu="500m", memory="128Mi"),
            **_heartbeat(),
        },
    )
    name = object_name(service.app, TIMERS)
    return _deployment(service, name, TIMERS, container, grace=30, replicas=REPLICAS)


def versioned(service: Service, component: str) -> str:
    """Return the name of an object that belongs to this version of the plan."""
    room = 63 - len(service.version) - 12
    return f"{object_name(service.app, component, limit=room)}-{service.version}"


def _container(service: Service, own: Object) -> Object:
    """Add what every container of a service has; fields are sorted, as they are in the API's documentation."""
    common = {
        "image": service.image,
        "imagePullPolicy": "IfNotPresent",
        "envFrom": parts.config_source(service),
        "securityContext": parts.container_security(),
        "volumeMounts": [parts.tmp_mount()],
    }
    return dict(sorted((common | own).items()))


def _heartbeat() -> Object:
    """Celery touches no heartbeat while its broker is away: an outage that the worker itself would sit out must not restart it."""
    return {
        "startupProbe": parts.heartbeat_probe(period=5, failures=60),
        "readinessProbe": parts.heartbeat_probe(period=30, failures=2),
        "livenessProbe": parts.heartbeat_probe(period=30, failures=_OUTAGE // 30 + 1),
    }


def _deployment(
    service: Service,
    name: str,
    component: str,
    container: Object,
    *,
    grace: int,
    replicas: int | None = None,
    pinned: bool = False,
) -> Object:
    digest = {"saltern/plan": service.plan.digest}
    pod = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "enableServiceLinks": False,
        "securityContext": parts.pod_security(),
        "serviceAccountName": service.app,
        "terminationGracePeriodSeconds": grace,
        "topologySpreadConstraints": parts.spread(service, component),
        "volumes": [parts.tmp_volume()],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": service.meta(name, component, digest),
        "spec": {
            "progressDeadlineSeconds": 300,
            **({} if replicas is None else {"replicas": replicas}),
            "revisionHistoryLimit": 5,
            "selector": service.selector(component, pinned=pinned),
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}, "type": "RollingUpdate"},
            "template": {"metadata": {"annotations": digest, "labels": service.labels(component)}, "spec": pod},
        },
    }


def disruption_budget(service: Service, name: str, component: str, *, pinned: bool = False) -> Object:
    """Let one pod at a time be evicted; those that do not work anyway never hold up a node's drain."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": service.meta(name, component),
        "spec": {
            "maxUnavailable": 1,
            "selector": service.selector(component, pinned=pinned),
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def api_service(service: Service) -> Object:
    """Return the API's address in the cluster."""
    port = {
        "appProtocol": "http",
        "name": parts.PORT_NAME,
        "port": 80,
        "protocol": "TCP",
        "targetPort": parts.PORT_NAME,
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": service.meta(object_name(service.app, API), API),
        "spec": {"ports": [port], "selector": service.identity(API), "type": "ClusterIP"},
    }


def api_autoscaler(service: Service) -> Object:
    """Two to ten API pods, by their CPU."""
    name = object_name(service.app, API)
    target = {"averageUtilization": 70, "type": "Utilization"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": service.meta(name, API),
        "spec": {
            "maxReplicas": 10,
            "metrics": [{"resource": {"name": "cpu", "target": target}, "type": "Resource"}],
            "minReplicas": REPLICAS,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        },
    }
