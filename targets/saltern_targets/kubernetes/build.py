"""Puts the objects of a service into files, and the files into a kustomize base."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from kubernetes.client import ApiClient, V1Namespace, V1ObjectMeta, V1ServiceAccount

from saltern_compiler.ir.plan import Plan
from saltern_targets.kubernetes import network, parts, workloads
from saltern_targets.kubernetes.names import label, object_name
from saltern_targets.kubernetes.parts import Service
from saltern_targets.kubernetes.yamlfile import render
from saltern_targets.writing import header

FOLDER: Final = "deploy/kubernetes"


def build(plan: Plan, *, namespace: str, image: str) -> Mapping[str, bytes]:
    """Return the files of the base."""
    service = Service(plan, namespace, image)
    files = dict(_files(service))
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(files),
    }
    top = header(plan.source_name)
    written = {name: render(top, [_plain(document) for document in objects]) for name, objects in files.items()}
    written["kustomization.yaml"] = render(top, [kustomization])
    return {f"{FOLDER}/{name}": data for name, data in sorted(written.items())}


def _plain(of: object) -> Mapping[str, Any]:
    """Return an object as the API takes it; raises where a field is none of its type's."""
    sanitize: Callable[[object], Mapping[str, Any]] = _client().sanitize_for_serialization
    return sanitize(of)


@cache
def _client() -> ApiClient:
    """Make the one that serializes: it connects to nothing, and takes a millisecond to make."""
    return ApiClient()


def _files(service: Service) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield file names and their objects, in the order in which they are applied."""
    yield "namespace.yaml", [_namespace(service)]
    yield "service-account.yaml", [_service_account(service)]
    yield "config.yaml", [parts.config_map(service)]
    yield "network.yaml", [network.default_deny(service), network.shared(service), network.api_ingress(service)]
    yield (
        "api.yaml",
        [
            workloads.api_deployment(service),
            workloads.api_service(service),
            workloads.api_autoscaler(service),
            workloads.disruption_budget(service, object_name(service.app, workloads.API), workloads.API),
        ],
    )
    for queue in sorted({stage.queue for stage in service.plan.every_stage}):
        component = object_name("worker", label(queue), limit=30)
        yield f"{component}.yaml", list(_worker(service, queue, component))
    yield (
        "timers.yaml",
        [
            workloads.timers_deployment(service),
            workloads.disruption_budget(service, object_name(service.app, workloads.TIMERS), workloads.TIMERS),
        ],
    )


def _worker(service: Service, queue: str, component: str) -> Iterator[Any]:
    name = workloads.versioned(service, component)
    egress = network.worker_egress(service, name, component)
    if egress is not None:
        yield egress
    yield workloads.worker_deployment(service, queue, component)
    yield workloads.disruption_budget(service, name, component, pinned=True)


def _namespace(service: Service) -> V1Namespace:
    modes = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    labels = {key: value for key, value in service.labels("namespace").items() if not key.endswith("/version")}
    return V1Namespace(
        api_version="v1", kind="Namespace", metadata=V1ObjectMeta(name=service.namespace, labels=labels | modes)
    )


def _service_account(service: Service) -> V1ServiceAccount:
    return V1ServiceAccount(
        api_version="v1",
        kind="ServiceAccount",
        metadata=service.meta(service.app, "identity"),
        automount_service_account_token=False,
    )
