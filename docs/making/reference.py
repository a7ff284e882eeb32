"""The other pages that tables of the compiler say better than a person could: functions, connections, triggers, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from docs.making.nodes import params_table, policy_text
from docs.making.tables import code, table
from saltern_compiler.diagnostics import catalog
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.expr.functions import FUNCTIONS, MACROS, METHODS, VALUE, Overload
from saltern_compiler.passes.checks.triggers import TRIGGERS
from saltern_compiler.registry import CONNECTORS, Registry
from saltern_runtime.spec import DEFAULT_POLICY, Type, show

_FUNCTIONS: Final = """# Functions

Every function and method that [expressions](expressions.md) have. They are those of CEL and of its extensions of strings and
lists, with their names; `sum`, `min` and `max` of a list are ours. `first` and `last` of an empty list give null. A call that *may fail* fails the node it stands in: `int("x")` has no value.

"""
_CONNECTIONS: Final = """# Connections

A connection is a system outside, under a name that nodes share: `connection team = slack { token: env("SLACK_TOKEN") }`.
Its policy holds for every node that uses it, unless the node has one of its own; see [policies](language/policies.md).

"""
_DIAGNOSTICS: Final = """# Diagnostics

Every finding has a code, and every code a page: what it means, an example that has it, and what to write instead.
`saltern explain CODE` prints the page in a terminal. Only errors stop a build.

"""


def functions_page() -> str:
    """Write the page of functions and methods."""
    methods = "A method is called on its first value: `text.contains(part)`.\n\n" + _signatures(METHODS, is_method=True)
    macros = (
        "Each takes a list (or the keys of a map), a name for an item and what is asked of it: `lines.all(line, line.price > 0)`.\n\n"
        + table(("macro",), ((code(f"list.{name}(item, …)"),) for name in MACROS))
    )
    functions = _signatures(FUNCTIONS, is_method=False)
    return f"{_FUNCTIONS}## Functions of a value\n\n{functions}\n## Methods\n\n{methods}\n## Macros\n\n{macros}"


def connections_page(registry: Registry) -> str:
    """Write the page of the connectors that are ours."""
    names = (name for name in registry.connector_names() if registry.plugin(CONNECTORS, name) is None)
    return _CONNECTIONS + "\n".join(_connector(name, registry) for name in names)


def trigger_settings() -> Mapping[str, str]:
    """Write the settings of each type of trigger as a table; none for those without."""
    return {name: params_table(params) for name, params in TRIGGERS.items()}


def diagnostics_index() -> str:
    """Write the page that lists the codes."""
    rows = ((f"[{name}]({name}.md)", each.severity.value, each.summary) for name, each in CODES.items())
    return _DIAGNOSTICS + table(("code", "severity", "what it says"), rows)


def diagnostics_pages() -> Iterator[tuple[str, str]]:
    """Yield each code with its page, as it lies beside the compiler's table of codes."""
    for name in CODES:
        page = catalog.page(name)
        assert page is not None, "a test compares codes and pages"
        yield name, page.text


def _connector(name: str, registry: Registry) -> str:
    spec = registry.connector(name)
    assert spec is not None, "the registry has named it"
    timeout, retry = policy_text(spec.policy.over(DEFAULT_POLICY))
    words = f"Time-out {timeout}; {retry}."
    env = "".join(f" `{setting}` is overridden by the variable `{variable}`." for setting, variable in spec.env.items())
    return f"## {name}\n\n{spec.summary}\n\n{params_table(spec.settings)}\n{words}{env}\n"


def _signatures(of: Mapping[str, tuple[Overload, ...]], *, is_method: bool) -> str:
    rows = (_signature(name, each, is_method=is_method) for name, overloads in of.items() for each in overloads)
    return table(("call", "gives", ""), rows)


def _signature(name: str, each: Overload, *, is_method: bool) -> tuple[str, str, str]:
    takes = [_type(of) for of in each.takes]
    call = f"{takes[0]}.{name}({', '.join(takes[1:])})" if is_method else f"{name}({', '.join(takes)})"
    gives = each.gives(each.takes) if callable(each.gives) else each.gives
    return code(call), code(_type(gives)), "may fail" if each.fails else ""


def _type(of: Type) -> str:
    return "any value" if of == VALUE else show(of)
