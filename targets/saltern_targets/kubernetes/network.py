"""Who may speak with whom: nothing, then what the pipeline needs.

A NetworkPolicy knows addresses and ports, not host names: what a pipeline calls by name is open by its port. Never open are
link-local addresses, where clouds hand out credentials.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from saltern_targets.kubernetes.names import object_name
from saltern_targets.kubernetes.parts import PORT_NAME, Object, Service

OTLP_PORTS = (4317, 4318)


def default_deny(service: Service) -> Object:
    """Deny the service's pods everything; whatever else lives in the namespace is left alone."""
    return _policy(service, object_name(service.app, "default-deny"), service.selector(), "network")


def shared(service: Service) -> Object:
    """Let every process ask the cluster's DNS, reach Redis wherever it is, and its sentinels, and send traces to a collector in the cluster."""
    dns = {
        "ports": [_port(53, "UDP"), _port(53, "TCP")],
        "to": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}},
            {"ipBlock": {"cidr": "169.254.20.10/32"}},
        ],
    }
    redis = {"ports": [_port(port) for port in service.redis_ports], "to": _anywhere()}
    traces = {"ports": [_port(port) for port in OTLP_PORTS], "to": [{"namespaceSelector": {}}]}
    name = object_name(service.app, "dns-and-redis")
    return _policy(service, name, service.selector(), "network", egress=[dns, redis, traces])


def api_ingress(service: Service) -> Object:
    """Let anyone call the API, which asks every caller for a token or a signature; an overlay may narrow it."""
    rule = {"ports": [{"port": PORT_NAME, "protocol": "TCP"}]}
    return _policy(service, object_name(service.app, "api"), service.selector("api"), "api", ingress=[rule])


def worker_egress(service: Service, name: str, component: str) -> Object | None:
    """Let workers of this version reach what its nodes call; older ones keep their own policy. None: they call nothing."""
    hosts = [host for host in service.plan.egress if not _is_loopback(host)]
    if not hosts:
        return None
    return _policy(
        service,
        name,
        service.selector(component, pinned=True),
        component,
        egress=_rules(hosts),
        annotations={"saltern/egress": " ".join(hosts)},
    )


def _rules(hosts: Iterable[str]) -> list[Object]:
    by_port: dict[int, list[str]] = {}
    for address in hosts:
        host, _, port = address.rpartition(":")
        by_port.setdefault(int(port), []).append(host)
    return [{"ports": [_port(port)], "to": _peers(names)} for port, names in sorted(by_port.items())]


def _peers(hosts: list[str]) -> list[Object]:
    addresses = [_address(host) for host in hosts]
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in addresses if cidr is not None]
    return blocks if None not in addresses else _anywhere()


def _address(host: str) -> str | None:
    try:
        return str(ipaddress.ip_network(host.strip("[]")))
    except ValueError:
        return None


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _anywhere() -> list[Object]:
    """Every address, and every pod: some network plugins do not count pods among addresses."""
    return [
        {"ipBlock": _but("0.0.0.0/0", "169.254.0.0/16")},
        {"ipBlock": _but("::/0", "fd00:ec2::254/128", "fe80::/10")},
        {"namespaceSelector": {}},
    ]


def _but(cidr: str, *without: str) -> Object:
    return {"cidr": cidr, "except": list(without)}


def _port(number: int, protocol: str = "TCP") -> Object:
    return {"port": number, "protocol": protocol}


def _policy(
    service: Service,
    name: str,
    pods: Object,
    component: str,
    *,
    ingress: list[Object] | None = None,
    egress: list[Object] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Object:
    rules = {name: given for name, given in (("egress", egress), ("ingress", ingress)) if given is not None}
    named = [kind for kind in ("Ingress", "Egress") if kind.lower() in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": service.meta(name, component, annotations),
        "spec": {
            **rules,
            "podSelector": pods,
            "policyTypes": named or ["Ingress", "Egress"],
        },
    }
