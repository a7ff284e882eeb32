"""What the writer prints is what ruff's formatter would leave alone."""

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest

from saltern_targets.writing import LINE_LENGTH, statement

RUFF = Path(sys.executable).with_name("ruff")


def ruff_format(source: str) -> str:
    command = [RUFF, "format", "--isolated", "--line-length", str(LINE_LENGTH), "--target-version", "py311", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


class Maker:
    """Makes random expressions of the shapes that targets print."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def name(self) -> str:
        return self.random.choice("abcdefgh") * self.random.choice((1, 3, 8, 14, 22))

    def atom(self) -> str:
        pick = self.random.randrange(9)
        if pick < 4:
            return self.name()
        if pick < 6:
            return f"{self.name()}.{self.name()}"
        if pick == 6:
            return str(self.random.choice((1, 20, 3.5, None, True)))
        if pick == 7:
            return '"' + self.random.choice(("x", "some text", "a longer text with words in it, " * 2)) + '"'
        return 'f"{' + self.name() + "} of {text(" + self.name() + ')}"'

    def expression(self, depth: int) -> str:  # noqa: C901, PLR0912 - one case a shape
        if depth == 0:
            return self.atom()
        down = depth - 1
        match self.random.randrange(13):
            case 0 | 1:
                args = ", ".join(self.expression(down) for _ in range(self.random.randrange(4)))
                return f"{self.name()}({args})"
            case 2:
                args = ", ".join(
                    f"{self.name()}{index}={self.expression(down)}" for index in range(self.random.randrange(1, 4))
                )
                return f"{self.name()}.{self.name()}({args})"
            case 3:
                return "[" + ", ".join(self.expression(down) for _ in range(self.random.randrange(4))) + "]"
            case 4:
                return (
                    "{"
                    + ", ".join(f'"{index}": {self.expression(down)}' for index in range(self.random.randrange(4)))
                    + "}"
                )
            case 5:
                return f"({self.expression(down)}) if ({self.expression(down)}) else ({self.expression(down)})"
            case 6:
                operator = self.random.choice(("and", "or"))
                return f" {operator} ".join(f"({self.expression(down)})" for _ in range(self.random.randrange(2, 4)))
            case 7:
                operator = self.random.choice(("==", "!=", "<", ">=", "in", "not in", "is not"))
                return f"({self.expression(down)}) {operator} ({self.expression(down)})"
            case 8:
                operator = self.random.choice("+-*/%")
                return f"({self.expression(down)}) {operator} ({self.expression(down)})"
            case 9:
                return self.random.choice((f"not ({self.expression(down)})", f"{self.name()}[{self.expression(down)}]"))
            case 10:
                return f"[{self.expression(down)} for x in ({self.expression(down)}) if ({self.expression(down)})]"
            case 11:
                return f"all({self.expression(down)} for x in {self.name()})"
            case _:
                return self.atom()


@pytest.mark.parametrize("seed", range(8))
def test_random_statements_are_in_final_form(seed):
    """A formatter changes nothing in what was printed, whatever the expression and the indentation."""
    maker = Maker(seed)
    lines = ["def f():"]
    for _ in range(150):
        head = maker.random.choice(("return {}", "x = {}", "call({})", "x: int = {}"))
        lines.append(statement(head.format(maker.expression(maker.random.choice((1, 2, 3)))), indent=4))
    source = "\n".join(lines) + "\n"
    assert ruff_format(source) == source


@pytest.mark.parametrize("seed", range(4))
def test_printing_keeps_the_meaning(seed):
    """What is printed parses to the same tree as what was given."""
    maker = Maker(1000 + seed)
    for _ in range(200):
        given = f"x = {maker.expression(3)}"
        assert ast.dump(ast.parse(statement(given))) == ast.dump(ast.parse(given))
