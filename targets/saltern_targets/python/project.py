"""Writes what makes the tree a project: `__init__.py`, pyproject.toml, requirements.txt, README.md, .gitignore."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from saltern_compiler.characters import is_printable
from saltern_compiler.ir.plan import Plan
from saltern_compiler.pytext import literal
from saltern_compiler.target import Contribution
from saltern_runtime.version import __version__
from saltern_targets.names import function_names, package_name, part_package, parts_package
from saltern_targets.writing import LINE_LENGTH, Module, header, html_header, sentence


def emit_project(plan: Plan, shared: Contribution) -> Mapping[str, bytes]:
    """Write the shared files out of what all targets contribute."""
    package = package_name(plan)
    requirements = (_requirement({*plan.requires, *shared.extras}), *plan.distributions)
    comment = f"# {header(plan.source_name)}\n"
    return {
        f"{package}/__init__.py": _init(plan, package, shared.exports),
        **{f"{folder}/__init__.py": text for folder, text in _folders(plan, package)},
        "pyproject.toml": (comment + _pyproject(plan, package, requirements)).encode(),
        "requirements.txt": (
            f"{comment}# Until saltern-runtime is on an index, put its wheel into wheels/.\n--find-links wheels\n"
            + "\n".join(requirements)
            + "\n"
        ).encode(),
        "README.md": _readme(plan, package, shared.readme),
        ".gitignore": f"{comment}__pycache__/\n*.egg-info/\n.venv/\ndist/\n".encode(),
    }


def _folders(plan: Plan, package: str) -> Iterator[tuple[str, bytes]]:
    """Yield the packages of the pipelines that are called, each with its `__init__.py`."""
    if plan.parts:
        module = Module("The pipelines that this one calls.", source_name=plan.source_name, package=package)
        yield parts_package(plan).replace(".", "/"), module.render()
    for part in plan.parts:
        name = sentence(part.plan.pipeline.name)[:-1]
        home = part_package(plan, part.name)
        module = Module(f"The pipeline {name}, as others call it.", source_name=part.plan.source_name, package=home)
        yield home.replace(".", "/"), module.render()


def _requirement(extras: Iterable[str]) -> str:
    wanted = ",".join(sorted(extras))
    return f"saltern-runtime[{wanted}]=={__version__}" if wanted else f"saltern-runtime=={__version__}"


def _init(plan: Plan, package: str, exports: Iterable[tuple[str, str]]) -> bytes:
    """Write the package's front: its parts load when they are first used, so that a worker needs no web framework."""
    homes: dict[str, list[str]] = {}
    for submodule, name in sorted({("graph", "GRAPH"), ("models", "Input"), ("models", "Output"), *exports}):
        homes.setdefault(submodule, []).append(name)
    name = sentence(plan.pipeline.name)[:-1]
    about = sentence(plan.pipeline.description)[:-1] if plan.pipeline.description else ""
    doc = f"The pipeline {name}: {about}." if about else f"The pipeline {name}."
    module = Module(doc.replace('"', "'").replace("\\", "\\\\"), source_name=plan.source_name, package=package)
    module.use("importlib", "import_module")
    module.use("typing", "TYPE_CHECKING", "Any")
    module.add("if TYPE_CHECKING:")
    for submodule, names in homes.items():
        module.add(f"from {package}.{submodule} import {', '.join(sorted(names, key=_export_order))}", indent=4)
    module.blank()
    pairs = sorted((name, submodule) for submodule, names in homes.items() for name in names)
    module.add("_HOME = {" + ", ".join(f"{literal(name)}: {literal(submodule)}" for name, submodule in pairs) + ",}")
    module.blank()
    names = sorted((name for name, _ in pairs), key=_export_order)
    module.add("__all__ = [" + ", ".join(literal(name) for name in names) + "]")
    module.blank(2)
    module.add("""
        def __getattr__(name: str) -> Any:
            if name not in _HOME:
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    """)
    return module.render()


def _export_order(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def _pyproject(plan: Plan, package: str, requirements: Iterable[str]) -> str:
    description = sentence(plan.pipeline.description or f"The pipeline {plan.pipeline.name}")
    return f"""\
[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"

[project]
name = {_toml(package.replace("_", "-").strip("-"))}
version = "0.1.0"
description = {_toml(description)}
readme = "README.md"
requires-python = ">=3.11"
dependencies = [{", ".join(_toml(requirement) for requirement in requirements)}]

[tool.hatch.build.targets.wheel]
packages = [{_toml(package)}]

[tool.ruff]
line-length = {LINE_LENGTH}
target-version = "py311"

[tool.ruff.lint]
select = ["E", "F", "W", "I", "B", "C4", "RET", "UP"]
ignore = [
  "E501", # a text of the pipeline may be longer than a line
  "E741", # a variable of its expressions may be called `l`
]

[tool.mypy]
strict = true
"""


def _toml(text: str) -> str:
    """Write a TOML basic string."""
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif is_printable(char):
            out.append(char)
        else:
            out.append(f"\\U{ord(char):08X}")
    return '"' + "".join(out) + '"'


def _readme(plan: Plan, package: str, sections: str) -> bytes:
    text = _template("README.md.j2").render(
        title=_markdown(plan.pipeline.name),
        description=_markdown(plan.pipeline.description),
        header=html_header(plan.source_name),
        package=package,
        example=function_names(plan)[plan.nodes[0].node.id] if plan.nodes else "",
        env=plan.env,
        sections=sections.strip("\n"),
    )
    return (text.rstrip("\n") + "\n").encode()


def _markdown(text: str) -> str:
    """Write user text as plain Markdown text of one line."""
    line = (
        sentence(text)[:-1] if text and not text.rstrip().endswith((".", "!", "?")) else sentence(text) if text else ""
    )
    safe = "".join("\\" + char if char in "\\`*_{}[]<>#|&~" else char for char in line).replace("\\_", "_")
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", safe)


@cache
def _template(name: str) -> Template:
    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, whose user text is escaped by `_markdown`
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
