"""The other pages that tables of the compiler say better than a person could: functions, connections, triggers, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from docs.making.nodes import params_table, policy_text
from docs.making.tables import code, table
from saltern_compiler.diagnostics import catalog
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.expr.functions import LIBRARY, MACROS
from saltern_compiler.expr.signatures import VALUE, Function, Overload
from saltern_compiler.passes.checks.triggers import TRIGGERS
from saltern_compiler.passes.settings import SHARED_PARAMS
from saltern_compiler.registry import CONNECTORS, Registry
from saltern_runtime.spec import DEFAULT_POLICY, Type, show

_FUNCTIONS: Final = """# Functions

Every function, method and macro that [expressions](expressions.md) have. Those that are *CEL's* have the names and the meaning
that CEL or one of its extensions gives them; the others are *ours*. A call that *may fail* fails the node it stands in:
`int("x")` has no value. Every example is true.

A method is called on its first value: `text.contains(part)`. `T` is one type, whatever it is; `number` is int, double or uint,
`integer` int or uint; `ordered` is what has an order, and a `value` anything.

"""
_HEAD: Final = ("call", "gives", "", "whose", "example")
_CONNECTIONS: Final = """# Connections

A connection is a system outside, under a name that nodes share: `connection team = slack { token: env("SLACK_TOKEN") }`.
Its policy holds for every node that uses it, unless the node has one of its own; see [policies](language/policies.md).

Beside the settings of its connector every connection may have [limits](language/limits.md), and say
which [labels](flow.md) may be sent through it, and which come from it:

"""
_DIAGNOSTICS: Final = """# Diagnostics

Every finding has a code, and every code a page: what it means, an example that has it, and what to write instead.
`saltern explain CODE` prints the page in a terminal. Only errors stop a build.

"""


def functions_page() -> str:
    """Write the page of functions, methods and macros."""
    functions, methods = ([row for row in LIBRARY if row.method is which] for which in (False, True))
    macros = ((code(row.usage), "", row.doc, _whose(row.ours), code(row.example)) for row in MACROS.values())
    return (
        f"{_FUNCTIONS}## Functions of a value\n\n{table(_HEAD, map(_row, functions))}\n"
        f"## Methods\n\n{table(_HEAD, map(_row, methods))}\n## Macros\n\n{table(_HEAD, macros)}"
    )


def connections_page(registry: Registry) -> str:
    """Write the page of the connectors that are ours."""
    names = (name for name in registry.connector_names() if registry.plugin(CONNECTORS, name) is None)
    return _CONNECTIONS + params_table(SHARED_PARAMS) + "\n" + "\n".join(_connector(name, registry) for name in names)


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


def _row(row: Function) -> tuple[str, ...]:
    calls = "<br>".join(code(_call(row, each)) for each in row.overloads)
    gives = "<br>".join(dict.fromkeys(code(_type(each.gives)) for each in row.overloads))
    fails = [each.fails for each in row.overloads]
    doubt = " May fail." if all(fails) else " Some may fail." if any(fails) else ""
    return calls, gives, row.doc + doubt, _whose(row.ours), code(row.example)


def _call(row: Function, each: Overload) -> str:
    takes = [*(_type(of) for of in each.takes), *(["…"] if each.many else [])]
    return f"{takes[0]}.{row.name}({', '.join(takes[1:])})" if row.method else f"{row.name}({', '.join(takes)})"


def _whose(ours: bool) -> str:
    return "ours" if ours else "CEL's"


def _type(of: Type) -> str:
    return "value" if of == VALUE else show(of)
