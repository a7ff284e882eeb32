"""Puts the objects of a service into files, and the files into a kustomize base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from saltern_compiler.ir.plan import Plan
from saltern_targets.kubernetes import network, parts, workloads
from saltern_targets.kubernetes.names import label, object_name
from saltern_targets.kubernetes.parts import Object, Service
from saltern_targets.kubernetes.yamlfile import render
from saltern_targets.writing import header

FOLDER: Final = "deploy/kubernetes"


def build(plan: Plan, *, namespace: str, image: str, redis_ports: tuple[int, ...]) -> Mapping[str, bytes]:
    """Return the files of the base."""
    service = Service(plan, namespace, image, redis_ports)
    files = dict(_files(service))
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(files),
    }
    top = header(plan.source_name)
    written = {name: render(top, objects) for name, objects in files.items()}
    written["kustomization.yaml"] = render(top, [kustomization])
    return {f"{FOLDER}/{name}": data for name, data in sorted(written.items())}


def _files(service: Service) -> Iterator[tuple[str, Sequence[Object]]]:
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


def _worker(service: Service, queue: str, component: str) -> Iterator[Object]:
    name = workloads.versioned(service, component)
    egress = network.worker_egress(service, name, component)
    if egress is not None:
        yield egress
    yield workloads.worker_deployment(service, queue, component)
    yield workloads.disruption_budget(service, name, component, pinned=True)


def _namespace(service: Service) -> Object:
    modes = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    labels = {key: value for key, value in service.labels("namespace").items() if not key.endswith("/version")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"labels": labels | modes, "name": service.namespace}}


def _service_account(service: Service) -> Object:
    return {
        "apiVersion": "v1",
        "automountServiceAccountToken": False,
        "kind": "ServiceAccount",
        "metadata": service.meta(service.app, "identity"),
    }
