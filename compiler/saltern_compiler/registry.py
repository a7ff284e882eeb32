"""Node types, connectors, targets and codes of diagnostics, found by entry points.

    RegistryError
    ├── ClashError     two distributions offer the same name
    └── PluginError    a distribution offers something that cannot be loaded, that is not what its entry point says, or that fails

Names are known without importing anything; a module is imported when its name is first asked for, so a broken plugin
stops only those who use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from functools import cache, wraps
from types import ModuleType
from typing import Any, Final, Generic, Self, TypeVar, cast

from saltern_compiler.diagnostics import catalog
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.installed import EntryPoint, entry_points
from saltern_compiler.pynames import module_of
from saltern_compiler.target import Target
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Bound, Code, ConnectorSpec, NodeType, Step

T = TypeVar("T")

NODE_TYPES: Final = "saltern.node_types"
CONNECTORS: Final = "saltern.connectors"
TARGETS: Final = "saltern.targets"
DIAGNOSTICS: Final = "saltern.diagnostics"
"""Prefix of a plugin's codes → its package, which declares them in `CODES` and explains them in `docs/<code>.md`."""
GROUPS: Final = (NODE_TYPES, CONNECTORS, TARGETS, DIAGNOSTICS)
_OURS: Final = frozenset({"saltern", "saltern-runtime"})


class RegistryError(Exception):
    """The installed plugins do not fit together; mended by (un)installing, not by changing a pipeline."""


class ClashError(RegistryError):
    """Two distributions offer the same name."""


class PluginError(RegistryError):
    """What a distribution offers cannot be used."""


@dataclass(frozen=True, slots=True, order=True)
class Distribution:
    """What was installed as one: its name as in metadata, and its version."""

    name: str
    version: str

    def __str__(self) -> str:
        """`name version`."""
        return f"{self.name} {self.version}"

    def requirement(self, extras: Iterable[str] = ()) -> str:
        """Write the requirement (PEP 508) that gives exactly this."""
        wanted = ",".join(sorted(extras))
        return f"{self.name}[{wanted}]=={self.version}" if wanted else f"{self.name}=={self.version}"


class _Catalogue(Generic[T]):
    """The things of one kind, by key; loaded one by one when asked for."""

    def __init__(self, kind: type[T], points: Mapping[str, EntryPoint], known: Mapping[str, T]) -> None:
        self._kind = kind
        self._points = points
        self._loaded: dict[str, T] = dict(known)
        self._plugins: dict[str, Distribution | None] = {}  # metadata is read from disk
        self.keys: tuple[str, ...] = tuple(sorted({*points, *known}))

    def get(self, key: str) -> T | None:
        if key in self._loaded:
            return self._loaded[key]
        point = self._points.get(key)
        if point is None:
            return None
        thing = _load(point, self._kind)
        if _key(thing) != key:
            raise PluginError(f"{_offer(point)}, but {point.value} is {_key(thing)!r}")
        plugin = self.plugin(key)
        return self._loaded.setdefault(key, thing if plugin is None else _guarded(thing, f"{plugin} offers {key!r}"))

    def extended(self, known: Mapping[str, T]) -> _Catalogue[T]:
        """Return a catalogue that has more things."""
        return _Catalogue(self._kind, self._points, {**self._loaded, **known}) if known else self

    def plugin(self, key: str) -> Distribution | None:
        """Return the distribution that offers a key; None for what is built in or was given."""
        if key not in self._plugins:
            point = self._points.get(key)
            dist = point.dist if point is not None else None
            known = dist is None or dist.name in _OURS
            self._plugins[key] = None if dist is None or known else Distribution(dist.name, dist.version)
        return self._plugins[key]

    def modules(self, key: str) -> frozenset[str]:
        """Return the top-level modules that a plugin brings, as far as its metadata says; none for what is built in or was given."""
        point = self._points.get(key)
        if point is None or point.dist is None or self.plugin(key) is None:
            return frozenset()
        projects = (point.dist.name, *(point.dist.requires or ()))
        return frozenset({point.module.partition(".")[0], *map(module_of, projects)})


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
        self._explained: Mapping[str, EntryPoint] = {}

    @classmethod
    @cache
    def load(cls) -> Self:
        """Return the registry of what is installed; raises ClashError."""
        return cls.from_entry_points(entry_points(GROUPS))

    @classmethod
    def from_entry_points(cls, points: Iterable[EntryPoint]) -> Self:
        """Make a registry from given entry points; raises ClashError, imports nothing."""
        every = tuple(points)
        registry = cls()
        registry._nodes = _Catalogue(NodeType, _index(every, NODE_TYPES), {})
        registry._connectors = _Catalogue(ConnectorSpec, _index(every, CONNECTORS), {})
        registry._targets = _Catalogue(Target, _index(every, TARGETS), {})
        registry._explained = _index(every, DIAGNOSTICS)
        return registry

    def extended(self, nodes: Iterable[NodeType]) -> Self:
        """Return a registry that has more node types: those of one pipeline."""
        made = copy(self)
        made._nodes = self._nodes.extended(_known(nodes))  # noqa: SLF001 - it is one of its own kind
        return made

    def node(self, name: str, version: int = 1) -> NodeType | None:
        """Return a node type; None where the name or the version is unknown."""
        return self._nodes.get(f"{name}@{version}")

    def node_names(self) -> tuple[str, ...]:
        """Return the names of all node types, without versions."""
        return tuple(sorted({key.rpartition("@")[0] for key in self._nodes.keys}))

    def versions(self, name: str) -> tuple[int, ...]:
        """Return the versions of a node type, oldest first."""
        pairs = (key.rpartition("@") for key in self._nodes.keys)
        return tuple(sorted(int(version) for of, _, version in pairs if of == name))

    def steps(self, name: str) -> Mapping[int, Step[Bound]]:
        """Return the steps of a node type, by the version that they lead away from; raises PluginError for two from one version."""
        newest = self.versions(name)[-1:]
        spec = self.node(name, *newest) if newest else None
        if spec is None:
            return {}
        found: dict[int, Step[Bound]] = {}
        for step in spec.steps:
            if found.setdefault(step.of, step) is not step or not 0 < step.of < spec.version:
                whose = self.plugin(NODE_TYPES, spec.key) or "whoever gave it"
                raise PluginError(
                    f"{whose} offers {spec.key!r}, which has a second or a stray step from version {step.of}"
                )
        return found

    def connector(self, name: str) -> ConnectorSpec | None:
        """Return a connector, if there is one of that name."""
        return self._connectors.get(name)

    def calls_through(self, connector: str) -> bool:
        """Whether any node type calls through a connection of a connector. Loads node types until one does."""
        return any(spec.connector == connector for spec in map(self._nodes.get, self._nodes.keys) if spec is not None)

    def connector_names(self) -> tuple[str, ...]:
        """Return the names of all connectors."""
        return self._connectors.keys

    def target(self, name: str) -> Target | None:
        """Return a target, if there is one of that name."""
        return self._targets.get(name)

    def target_names(self) -> tuple[str, ...]:
        """Return the names of all targets."""
        return self._targets.keys

    def plugin(self, group: str, key: str) -> Distribution | None:
        """Return the distribution that offers `name@version`, a connector or a target; None where it is saltern's own."""
        return self._catalogue(group).plugin(key)

    def modules(self, group: str, key: str) -> frozenset[str]:
        """Return the top-level modules that come with `name@version`, a connector or a target of a plugin; none with our own."""
        return self._catalogue(group).modules(key)

    def _catalogue(self, group: str) -> _Catalogue[Any]:
        catalogues: Mapping[str, _Catalogue[Any]] = {
            NODE_TYPES: self._nodes,
            CONNECTORS: self._connectors,
            TARGETS: self._targets,
        }
        return catalogues[group]

    def codes(self) -> Mapping[str, Code]:
        """Return every code that is declared, ours and plugins'."""
        plugins = {
            code: declared for prefix in sorted(self._explained) for code, declared in self._codes(prefix).items()
        }
        return {**CODES, **plugins}

    def declared(self, code: str, of: NodeType) -> Code:
        """Return the declaration of a code that a node type reports; raises PluginError where there is none."""
        prefix = self._prefix(code)
        declared = CODES.get(code) or (self._codes(prefix).get(code) if prefix is not None else None)
        if declared is None:
            whose = self.plugin(NODE_TYPES, of.key) or "whoever gave it"
            raise PluginError(f"{whose} offers {of.key!r}, but it reports {code!r}, which is declared nowhere")
        return declared

    def page(self, code: str) -> str | None:
        """Return what explains a code: its page, or what its declaration says; None where there is no such code."""
        ours, prefix = catalog.page(code), self._prefix(code)
        if ours is not None or prefix is None:
            return ours.text if ours is not None else None
        declared = self._codes(prefix).get(code)
        return self._pages(prefix).get(code, f"# {code}\n\n{declared.summary}\n") if declared is not None else None

    def _prefix(self, code: str) -> str | None:
        return next((prefix for prefix in self._explained if code.startswith(f"{prefix}-")), None)

    def _codes(self, prefix: str) -> Mapping[str, Code]:
        """Read the codes that a plugin declares, each with the plugin's prefix; a page is of one of them."""
        point = self._explained[prefix]
        declared: Mapping[str, Code] = getattr(_load(point, ModuleType), "CODES", {})
        for code in (*declared, *self._pages(prefix)):
            if not code.startswith(f"{prefix}-"):
                raise PluginError(f"{_offer(point)}, but explains {code!r}, which does not begin with `{prefix}-`")
            if not isinstance(declared.get(code), Code):
                raise PluginError(f"{_offer(point)}, but its CODES do not declare {code!r}")
        return declared

    def _pages(self, prefix: str) -> Mapping[str, str]:
        """Read the pages of a plugin: code → text."""
        from importlib.resources import files  # noqa: PLC0415 - it loads what reads archives, and only a plugin's pages may lie in one

        point = self._explained[prefix]
        try:
            pages = [page for page in (files(point.value) / "docs").iterdir() if page.name.endswith(".md")]
            return {page.name.removesuffix(".md"): page.read_text("utf-8") for page in pages}
        except Exception as error:
            raise PluginError(f"{_offer(point)}, but its docs cannot be read: {_said(error)}") from error


def _key(thing: object) -> str:
    return thing.key if isinstance(thing, NodeType) else str(getattr(thing, "name", ""))


_CALLED: Final[Mapping[type, tuple[str, ...]]] = {
    NodeType: ("check", "effect", "result"),
    ConnectorSpec: ("egress",),
    Target: ("emit", "contribute", "assemble"),
}
"""What the compiler calls, where it is a function."""


def _guarded(thing: T, whose: str) -> T:
    """Let what a plugin's functions raise say whose they are."""
    functions = {name: getattr(thing, name) for name in _CALLED[type(thing)]}
    guards: dict[str, Any] = {
        name: _guard(function, name, whose) for name, function in functions.items() if callable(function)
    }
    if isinstance(thing, NodeType):
        guards["steps"] = tuple(
            replace(step, changes=_guard(step.changes, f"step from {step.of}", whose)) for step in thing.steps
        )
    return cast("T", replace(cast("Any", thing), **guards))


def _guard(function: Callable[..., Any], name: str, whose: str) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*args: object) -> Any:
        try:
            result = function(*args)
            return tuple(result) if name == "check" or name.startswith("step ") else result
        except Exception as error:
            raise PluginError(f"{whose}, but its `{name}` failed: {_said(error)}") from error

    return guarded


def _known(things: Iterable[T]) -> dict[str, T]:
    known: dict[str, T] = {}
    for thing in things:
        if known.setdefault(_key(thing), thing) is not thing:
            raise ClashError(f"{_key(thing)!r} is given twice")
    return known


def _index(points: Iterable[EntryPoint], group: str) -> dict[str, EntryPoint]:
    """Map key → entry point; a node type's name may end in `@version`, and means version 1 otherwise."""
    points_by_key: dict[str, EntryPoint] = {}
    for point in points:
        if point.group != group:
            continue
        key = _node_key(point) if group == NODE_TYPES else point.name
        other = points_by_key.setdefault(key, point)
        if other is not point:
            first, second = sorted((_source(other), _source(point)))
            raise ClashError(f"{key!r} in {group} is offered by both {first} and {second}; uninstall one of them")
    return points_by_key


def _node_key(point: EntryPoint) -> str:
    name, at, version = point.name.rpartition("@")
    if not at:
        return f"{point.name}@1"
    if not (version.isascii() and version.isdigit()):
        raise PluginError(f"{_offer(point)}, whose version is not a number")
    return f"{name}@{int(version)}"


def _load(point: EntryPoint, kind: type[T]) -> T:
    try:
        thing: Any = point.load()
    except Exception as error:
        raise PluginError(f"{_offer(point)}, but loading {point.value} failed: {_said(error)}") from error
    if not isinstance(thing, kind):
        raise PluginError(f"{_offer(point)}, but {point.value} is a {type(thing).__name__}, not a {kind.__name__}")
    return thing


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _offer(point: EntryPoint) -> str:
    return f"{_source(point)} offers {point.name!r} in {point.group}"


def _source(point: EntryPoint) -> str:
    dist = point.dist
    return f"{dist.name} {dist.version}" if dist is not None else f"an unnamed distribution ({point.value})"
