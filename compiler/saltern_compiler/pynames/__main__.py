"""Adds the names that this Python and this environment have to `names.json`."""

from __future__ import annotations

import builtins
import json
import keyword
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from saltern_compiler.pynames import module_of

FILE: Final = Path(__file__).with_name("names.json")
_ROOTS: Final = ("saltern", "saltern-runtime")
_EVERY: Final = "*"
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?")
_EXTRA: Final = re.compile(r";.*\bextra\s*==\s*['\"]([^'\"]+)['\"]")


def found_here() -> dict[str, set[str]]:
    """Return the names of each kind that this Python and this environment have."""
    return {
        "builtins": {name for name in dir(builtins) if not name.startswith("_")},
        "keywords": set(keyword.kwlist),
        "soft_keywords": set(keyword.softkwlist),
        "standard_library": {name for name in sys.stdlib_module_names if not name.startswith("_")},
        "installed": _installed(),
    }


def _installed() -> set[str]:
    """Return the modules of saltern and its runtime with every extra, and of all that these require.

    What is required on other platforms or Pythons alone is not installed here: it counts by the name of its project.
    """
    modules: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(name, _EVERY) for name in _ROOTS]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            modules.add(module_of(name))
            continue
        modules.update(_modules(distribution))
        waiting += [wanted for requirement in distribution.requires or () for wanted in _wanted(requirement, extra)]
    return modules


def _wanted(requirement: str, extra: str) -> Iterator[tuple[str, str]]:
    """Yield the name that a requirement asks for, with no extra and with each that it names, if it holds under an extra."""
    matched = _REQUIREMENT.match(requirement)
    condition = _EXTRA.search(requirement)
    if matched is None or (condition is not None and extra not in (_EVERY, condition[1])):
        return
    name = re.sub(r"[-_.]+", "-", matched[1]).lower()
    yield name, ""
    yield from ((name, asked.strip()) for asked in (matched[2] or "").split(",") if asked.strip())


def _modules(distribution: metadata.Distribution) -> Iterator[str]:
    """Yield the top-level modules that a distribution installs."""
    for path in distribution.files or ():
        first = path.parts[0]
        name = first.partition(".")[0]
        is_module = len(path.parts) > 1 or path.suffix in (".py", ".so", ".pyd")
        if is_module and name.isidentifier() and not name.startswith("_") and not first.endswith(".dist-info"):
            yield name


def main() -> None:
    """Write the file anew."""
    known = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    both = {kind: sorted({*known.get(kind, ()), *names}) for kind, names in found_here().items()}
    both["installed"] = sorted({*both["installed"], "saltern_compiler", "saltern_runtime", "saltern_targets"})
    FILE.write_text(json.dumps(both, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"{FILE.name}: {', '.join(f'{len(names)} {kind}' for kind, names in both.items())}\n")


if __name__ == "__main__":
    main()
