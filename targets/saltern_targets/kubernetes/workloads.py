"""Deployments of API, workers and timers, with what keeps them available."""

from __future__ import annotations

from kubernetes.client import (
    V1Container,
    V1Deployment,
    V1DeploymentSpec,
    V1DeploymentStrategy,
    V1EnvVar,
    V1Lifecycle,
    V1LifecycleHandler,
    V1ObjectMeta,
    V1PodDisruptionBudget,
    V1PodDisruptionBudgetSpec,
    V1PodSpec,
    V1PodTemplateSpec,
    V1RollingUpdateDeployment,
    V1Service,
    V1ServicePort,
    V1ServiceSpec,
    V1SleepAction,
    V2CrossVersionObjectReference,
    V2HorizontalPodAutoscaler,
    V2HorizontalPodAutoscalerSpec,
    V2MetricSpec,
    V2MetricTarget,
    V2ResourceMetricSource,
)

from saltern_targets import processes
from saltern_targets.kubernetes import parts
from saltern_targets.kubernetes.names import broker_queue, object_name
from saltern_targets.kubernetes.parts import Service

API = "api"
TIMERS = "timers"
REPLICAS = 2
_OUTAGE = 300
"""Seconds after which a worker that cannot reach Redis ends by itself (SALTERN_UNREACHABLE)."""
_DRAIN = 5
"""Seconds until load balancers have heard that an API pod stops."""


def api_deployment(service: Service) -> V1Deployment:
    """Return the HTTP API. It names no number of replicas: that is the autoscaler's."""
    container = V1Container(
        name=API,
        command=list(processes.api(service.plan)),
        env=parts.secret_env(
            service, (parts.REDIS, parts.TOKENS, *processes.api_secrets(service.plan)), optional=(parts.BROKER,)
        ),
        lifecycle=V1Lifecycle(pre_stop=V1LifecycleHandler(sleep=V1SleepAction(seconds=_DRAIN))),
        ports=[parts.http_port()],
        startup_probe=parts.http_probe("/healthz", period=2, failures=30),
        readiness_probe=parts.http_probe("/readyz", period=10, failures=2, timeout=6),
        liveness_probe=parts.http_probe("/healthz", period=10, failures=3),
        resources=parts.resources(cpu="200m", most_cpu="1", memory="256Mi"),
        **_common(service),
    )
    return _deployment(
        service, object_name(service.app, API), API, container, grace=_DRAIN + processes.drain(service.plan) + 15
    )


def worker_deployment(service: Service, queue: str, component: str) -> V1Deployment:
    """Return the workers of one queue, of this version of the plan alone."""
    grace = processes.grace(service.plan, queue)
    container = V1Container(
        name="worker",
        command=list(processes.worker(service.plan, queues=(broker_queue(service.plan, queue),))),
        env=[
            V1EnvVar(name="SALTERN_GRACE", value=str(grace)),
            *parts.secret_env(
                service,
                (parts.REDIS, *processes.addresses(service.plan), *processes.worker_secrets(service.plan)),
                optional=(parts.BROKER,),
            ),
        ],
        resources=parts.resources(cpu="250m", most_cpu="2", memory="512Mi"),
        **_heartbeat(),
        **_common(service),
    )
    name = versioned(service, component)
    return _deployment(service, name, component, container, grace=grace, replicas=REPLICAS, pinned=True)


def timers_deployment(service: Service) -> V1Deployment:
    """Return the timers: two replicas, both active."""
    container = V1Container(
        name=TIMERS,
        command=list(processes.timers(service.plan)),
        env=parts.secret_env(service, (parts.REDIS,), optional=(parts.BROKER,)),
        resources=parts.resources(cpu="50m", most_cpu="500m", memory="128Mi"),
        **_heartbeat(),
        **_common(service),
    )
    name = object_name(service.app, TIMERS)
    return _deployment(service, name, TIMERS, container, grace=30, replicas=REPLICAS)


def versioned(service: Service, component: str) -> str:
    """Return the name of an object that belongs to this version of the plan."""
    room = 63 - len(service.version) - 12
    return f"{object_name(service.app, component, limit=room)}-{service.version}"


def _common(service: Service) -> dict[str, object]:
    return {
        "image": service.image,
        "image_pull_policy": "IfNotPresent",
        "env_from": parts.config_source(service),
        "security_context": parts.container_security(),
        "volume_mounts": [parts.tmp_mount()],
    }


def _heartbeat() -> dict[str, object]:
    """Celery touches no heartbeat while its broker is away: an outage that the worker itself would sit out must not restart it."""
    return {
        "startup_probe": parts.heartbeat_probe(period=5, failures=60),
        "readiness_probe": parts.heartbeat_probe(period=30, failures=2),
        "liveness_probe": parts.heartbeat_probe(period=30, failures=_OUTAGE // 30 + 1),
    }


def _deployment(
    service: Service,
    name: str,
    component: str,
    container: V1Container,
    *,
    grace: int,
    replicas: int | None = None,
    pinned: bool = False,
) -> V1Deployment:
    digest = {"saltern/plan": service.plan.digest}
    pod = V1PodSpec(
        automount_service_account_token=False,
        containers=[container],
        enable_service_links=False,
        security_context=parts.pod_security(),
        service_account_name=service.app,
        termination_grace_period_seconds=grace,
        topology_spread_constraints=parts.spread(service, component),
        volumes=[parts.tmp_volume()],
    )
    return V1Deployment(
        api_version="apps/v1",
        kind="Deployment",
        metadata=service.meta(name, component, digest),
        spec=V1DeploymentSpec(
            replicas=replicas,
            revision_history_limit=5,
            progress_deadline_seconds=300,
            selector=service.selector(component, pinned=pinned),
            strategy=V1DeploymentStrategy(
                type="RollingUpdate", rolling_update=V1RollingUpdateDeployment(max_surge=1, max_unavailable=0)
            ),
            template=V1PodTemplateSpec(
                metadata=V1ObjectMeta(labels=service.labels(component), annotations=digest), spec=pod
            ),
        ),
    )


def disruption_budget(service: Service, name: str, component: str, *, pinned: bool = False) -> V1PodDisruptionBudget:
    """Let one pod at a time be evicted; those that do not work anyway never hold up a node's drain."""
    return V1PodDisruptionBudget(
        api_version="policy/v1",
        kind="PodDisruptionBudget",
        metadata=service.meta(name, component),
        spec=V1PodDisruptionBudgetSpec(
            max_unavailable=1,
            selector=service.selector(component, pinned=pinned),
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
    )


def api_service(service: Service) -> V1Service:
    """Return the API's address in the cluster."""
    port = V1ServicePort(
        name=parts.PORT_NAME, port=80, target_port=parts.PORT_NAME, protocol="TCP", app_protocol="http"
    )
    return V1Service(
        api_version="v1",
        kind="Service",
        metadata=service.meta(object_name(service.app, API), API),
        spec=V1ServiceSpec(type="ClusterIP", selector=service.identity(API), ports=[port]),
    )


def api_autoscaler(service: Service) -> V2HorizontalPodAutoscaler:
    """Two to ten API pods, by their CPU."""
    name = object_name(service.app, API)
    target = V2MetricTarget(type="Utilization", average_utilization=70)
    return V2HorizontalPodAutoscaler(
        api_version="autoscaling/v2",
        kind="HorizontalPodAutoscaler",
        metadata=service.meta(name, API),
        spec=V2HorizontalPodAutoscalerSpec(
            scale_target_ref=V2CrossVersionObjectReference(api_version="apps/v1", kind="Deployment", name=name),
            min_replicas=REPLICAS,
            max_replicas=10,
            metrics=[V2MetricSpec(type="Resource", resource=V2ResourceMetricSource(name="cpu", target=target))],
        ),
    )
