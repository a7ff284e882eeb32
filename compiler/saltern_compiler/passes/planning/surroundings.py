"""What a pipeline needs around it: hosts, environment variables, extras of the runtime, plugins."""

from __future__ import annotations

from collections.abc import Iterable

from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.values import SecretRef, parts_of
from saltern_compiler.passes.analyses.shape import all_settings
from saltern_compiler.passes.hosts import hosts_of_connection, hosts_of_node
from saltern_compiler.passes.uses import Uses, brought, connections_of, every_callee
from saltern_compiler.registry import CONNECTORS, NODE_TYPES, Distribution, Registry
from saltern_runtime.spec import NodeType


def egress(pipeline: Pipeline, registry: Registry, uses: Uses) -> tuple[str, ...]:
    """Return the `host:port` that connections and URLs lead to, `*` for a host that is known only when it runs; sorted."""
    hosts: set[str] = set()
    for connection in connections_of(pipeline, uses).values():
        hosts.update(hosts_of_connection(connection, registry))
    for of in (pipeline, *(callee.pipeline for callee in every_callee(pipeline, uses).values())):
        for node in of.body.walk():
            spec = registry.node(node.type, node.version)
            if spec is not None:
                hosts.update(hosts_of_node(node, spec))
    return tuple(sorted(hosts))


def environment(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the environment variables of the secrets that connections and triggers take; sorted."""
    used = {value.name for value in all_settings(pipeline) if isinstance(value, SecretRef)}
    return _variables(secret.reference for secret in pipeline.secrets if secret.name in used)


def called_environment(pipeline: Pipeline, uses: Uses) -> tuple[str, ...]:
    """Return the environment variables that the connections of the pipelines that it calls take; sorted."""
    settings = (value for _, _, connection in brought(pipeline, uses) for _, value in connection.settings)
    inside = (part for value in settings for part in parts_of(value))
    return _variables(part.name for part in inside if isinstance(part, SecretRef))


def _variables(references: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({reference.removeprefix("env:") for reference in references}))


def extras(pipeline: Pipeline, specs: Iterable[NodeType], registry: Registry, uses: Uses) -> tuple[str, ...]:
    """Return the extras of saltern-runtime that its own node types and connectors need; sorted."""
    needed = {extra for spec in specs if registry.plugin(NODE_TYPES, spec.key) is None for extra in spec.requires}
    for connection in connections_of(pipeline, uses).values():
        connector = registry.connector(connection.connector)
        if connector and registry.plugin(CONNECTORS, connector.name) is None:
            needed.update(connector.requires)
    return tuple(sorted(needed))


def distributions(pipeline: Pipeline, specs: Iterable[NodeType], registry: Registry, uses: Uses) -> tuple[str, ...]:
    """Return the plugins that node types and the connectors of connections come from, as exact requirements; sorted."""
    extras_of: dict[Distribution, set[str]] = {}
    for spec in specs:
        plugin = registry.plugin(NODE_TYPES, spec.key)
        if plugin is not None:
            extras_of.setdefault(plugin, set()).update(spec.requires)
    for connection in connections_of(pipeline, uses).values():
        plugin = registry.plugin(CONNECTORS, connection.connector)
        if plugin is not None:
            extras_of.setdefault(plugin, set())
    return tuple(plugin.requirement(names) for plugin, names in sorted(extras_of.items()))
