"""Node types, connectors and targets, found by entry points.

    RegistryError
    ├── ClashError     two distributions offer the same name
    └── PluginError    a distribution offers something that cannot be loaded, or that is not what its entry point says

Names are known without importing anything; a module is imported when its name is first asked for, so a broken plugin
stops only those who use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from typing import Any, Final, Generic, Self, TypeVar

from saltern_compiler.target import Target
from saltern_runtime.spec import ConnectorSpec, NodeType

T = TypeVar("T")

NODE_TYPES: Final = "saltern.node_types"
CONNECTORS: Final = "saltern.connectors"
TARGETS: Final = "saltern.targets"
GROUPS: Final = (NODE_TYPES, CONNECTORS, TARGETS)


class RegistryError(Exception):
    """The installed plugins do not fit together; mended by (un)installing, not by changing a pipeline."""


class ClashError(RegistryError):
    """Two distributions offer the same name."""


class PluginError(RegistryError):
    """What a distribution offers cannot be used."""


class _Catalogue(Generic[T]):
    """The things of one kind, by key; loaded one by one when asked for."""

    def __init__(self, kind: type[T], points: Mapping[str, metadata.EntryPoint], known: Mapping[str, T]) -> None:
        self._kind = kind
        self._points = points
        self._loaded: dict[str, T] = dict(known)
        self.keys: tuple[str, ...] = tuple(sorted({*points, *known}))

    def get(self, key: str) -> T | None:
        if key in self._loaded:
            return self._loaded[key]
        point = self._points.get(key)
        if point is None:
            return None
        found = _load(point, self._kind)
        if _key(found) != key:
            raise PluginError(
                f"{_source(point)} offers {point.name!r} in {point.group}, but {point.value} is {_key(found)!r}"
            )
        return self._loaded.setdefault(key, found)


class Registry:
    """What pipelines can be made of and compiled to. Every listing is sorted."""

    def __init__(
        self,
        *,
        nodes: Iterable[NodeType] = (),
        connectors: Iterable[ConnectorSpec] = (),
        targets: Iterable[Target] = (),
    ) -> None:
        self._nodes = _Catalogue(NodeType, {}, _known(nodes))
        self._connectors = _Catalogue(ConnectorSpec, {}, _known(connectors))
        self._targets = _Catalogue(Target, {}, _known(targets))

    @classmethod
    @cache
    def load(cls) -> Self:
        """Return the registry of what is installed; raises ClashError."""
        return cls.from_entry_points(point for group in GROUPS for point in metadata.entry_points(group=group))

    @classmethod
    def from_entry_points(cls, points: Iterable[metadata.EntryPoint]) -> Self:
        """Make a registry from given entry points; raises ClashError, imports nothing."""
        every = tuple(points)
        registry = cls()
        registry._nodes = _Catalogue(NodeType, _index(every, NODE_TYPES), {})
        registry._connectors = _Catalogue(ConnectorSpec, _index(every, CONNECTORS), {})
        registry._targets = _Catalogue(Target, _index(every, TARGETS), {})
        return registry

    def node(self, name: str, version: int = 1) -> NodeType | None:
        """Return a node type; None where the name or the version is unknown."""
        return self._nodes.get(f"{name}@{version}")

    def node_names(self) -> tuple[str, ...]:
        """Return the names of all node types, without versions."""
        return tuple(sorted({key.rpartition("@")[0] for key in self._nodes.keys}))

    def versions(self, name: str) -> tuple[int, ...]:
        """Return the versions of a node type, oldest first."""
        pairs = (key.rpartition("@") for key in self._nodes.keys)
        return tuple(sorted(int(version) for found, _, version in pairs if found == name))

    def connector(self, name: str) -> ConnectorSpec | None:
        """Return a connector, if there is one of that name."""
        return self._connectors.get(name)

    def connector_names(self) -> tuple[str, ...]:
        """Return the names of all connectors."""
        return self._connectors.keys

    def target(self, name: str) -> Target | None:
        """Return a target, if there is one of that name."""
        return self._targets.get(name)

    def target_names(self) -> tuple[str, ...]:
        """Return the names of all targets."""
        return self._targets.keys


def _key(thing: object) -> str:
    return thing.key if isinstance(thing, NodeType) else str(getattr(thing, "name", ""))


def _known(things: Iterable[T]) -> dict[str, T]:
    known: dict[str, T] = {}
    for thing in things:
        if known.setdefault(_key(thing), thing) is not thing:
            raise ClashError(f"{_key(thing)!r} is given twice")
    return known


def _index(points: Iterable[metadata.EntryPoint], group: str) -> dict[str, metadata.EntryPoint]:
    """Map key → entry point; a node type's name may end in `@version`, and means version 1 otherwise."""
    found: dict[str, metadata.EntryPoint] = {}
    for point in points:
        if point.group != group:
            continue
        key = _node_key(point) if group == NODE_TYPES else point.name
        other = found.setdefault(key, point)
        if other is not point:
            first, second = sorted((_source(other), _source(point)))
            raise ClashError(f"{key!r} in {group} is offered by both {first} and {second}; uninstall one of them")
    return found


def _node_key(point: metadata.EntryPoint) -> str:
    name, at, version = point.name.rpartition("@")
    if not at:
        return f"{point.name}@1"
    if not (version.isascii() and version.isdigit()):
        raise PluginError(f"{_source(point)} offers {point.name!r} in {point.group}, whose version is not a number")
    return f"{name}@{int(version)}"


def _load(point: metadata.EntryPoint, kind: type[T]) -> T:
    try:
        found: Any = point.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(
            f"{_source(point)} offers {point.name!r} in {point.group}, but loading {point.value} failed: {reason}"
        ) from error
    if not isinstance(found, kind):
        article = f"a {type(found).__name__}, not a {kind.__name__}"
        raise PluginError(f"{_source(point)} offers {point.name!r} in {point.group}, but {point.value} is {article}")
    return found


def _source(point: metadata.EntryPoint) -> str:
    dist = point.dist
    return f"{dist.name} {dist.version}" if dist is not None else f"an unnamed distribution ({point.value})"
