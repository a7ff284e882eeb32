"""What is left of emitted files once the users' texts are taken out: hostile files have the shape of harmless ones."""

from __future__ import annotations

import ast
import json
import re
import tomllib
import unicodedata

import yaml

_INSTRUCTIONS = frozenset(
    [
        "ARG",
        "FROM",
        "ENV",
        "WORKDIR",
        "COPY",
        "RUN",
        "LABEL",
        "USER",
        "EXPOSE",
        "ENTRYPOINT",
        "CMD",
        "HEALTHCHECK",
        "STOPSIGNAL",
        "VOLUME",
        "SHELL",
        "ADD",
        "ONBUILD",
    ]
)


class _Erase(ast.NodeTransformer):
    """Take the texts out of a tree; numbers, names and all else stay."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        self.generic_visit(node)
        return ast.JoinedStr([each for each in node.values if not isinstance(each, ast.Constant)])


def shape(path: str, data: bytes) -> object:
    """Parse a file by its kind, and return all of it but its texts. What does not parse raises."""
    text = data.decode()
    kind = path.rpartition("/")[2].rpartition(".")[2]
    match kind:
        case "py":
            return ast.dump(_Erase().visit(ast.parse(text)))
        case "json":
            return _erased(json.loads(text))
        case "toml":
            return _erased(tomllib.loads(text))
        case "yaml":
            return [_erased(each) for each in yaml.safe_load_all(text)]
        case "Dockerfile":
            return instructions(text)
        case "md":
            return [_mark(line) for line in text.split("\n")]
        case _:
            return ["#" if line.startswith("#") else line for line in text.split("\n")]


def _erased(value: object) -> object:
    if isinstance(value, dict):
        return {key: _erased(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_erased(each) for each in value]
    return "" if isinstance(value, str) else value


def instructions(text: str) -> list[str]:
    """Return the instructions of a Dockerfile, in order; every other line is a comment or continues one."""
    found = []
    continues = False
    for line in text.split("\n"):
        if not continues and line.strip() and not line.startswith("#"):
            word = line.split()[0]
            assert word in _INSTRUCTIONS, line
            found.append(word)
        continues = line.endswith("\\")
    return found


def _mark(line: str) -> str:
    """Return how a line of Markdown or of a requirements file begins, where that means anything."""
    found = re.match(r"\s*(#+|[-*+>|]|```|<!--|\d+\.|[<&])?", line)
    assert found is not None
    bars = line.count("|") - line.count("\\|") if line.startswith("|") else 0
    return f"{found.group()} {line.count('-->')} {bars}" if line.strip() else ""


def invisible(data: bytes) -> list[str]:
    """Return the characters that a reviewer does not see, or that move what stands around them."""
    return sorted(
        {
            char
            for char in data.decode()
            if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs")
        }
    )


def calls(data: bytes) -> set[str]:
    """Return the names of everything that a module imports from, calls or is decorated with."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(data)):
        if isinstance(node, ast.Call):
            found.add(ast.unparse(node.func))
        elif isinstance(node, ast.ImportFrom):
            found.add(f"from {node.module}")
        elif isinstance(node, ast.Import):
            found.update(f"import {each.name}" for each in node.names)
    return found
