"""What one run is given: read and checked before anything of the engine is, so that a mistake is told at once."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from saltern_runtime.dev import files
from saltern_runtime.dev.tree import Tree, TreeError
from saltern_runtime.errors import place, worded
from saltern_runtime.files import WANTED
from saltern_runtime.jsontext import JsonTextError, read_json
from saltern_runtime.models import Model
from saltern_runtime.spec import Json


class InputError(Exception):
    """An input that the pipeline does not take."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one run is given, and what becomes of it."""

    source: str | None
    """A JSON file with the input; `-` is standard input, None an empty object."""
    answers: Sequence[str] = ()
    files: Sequence[str] = ()
    """`FIELD=PATH` pairs."""
    save: Path | None = None
    """Where files of the output are written."""
    json_events: bool = False
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What one run was given, as the pipeline takes it."""

    models: Any
    """The module of the pipeline's types."""
    input: Model
    attached: Sequence[files.Attached]


def take(tree: Tree, wanted: Wanted) -> Given:
    """Import the pipeline's types, and read the input as one of them. Raises InputError, FileError and TreeError."""
    sys.path.insert(0, str(tree.folder))
    os.environ["PYTHONPATH"] = str(tree.folder)
    models = load(tree, "models")
    text = {} if wanted.source is None else read_input(wanted.source)
    text, attached = files.attach(models.Input, text, wanted.files) if wanted.files else (text, [])
    return Given(models, checked(models.Input, text), attached)


def load(tree: Tree, module: str) -> Any:
    """Import a module of the package; raises TreeError."""
    try:
        return import_module(f"{tree.package}.{module}")
    except Exception as error:
        # The pipeline's own modules run here: whatever they raise is theirs, and so is its place.
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}, line {last.lineno}"
        raise TreeError(f"{tree.package} cannot be imported: {type(error).__name__}: {error} ({place})") from error


def read_input(source: str) -> Json:
    """Read a JSON file, or standard input for `-`; raises InputError."""
    name = "standard input" if source == "-" else source
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return read_json(data.decode())
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8") from error
    except JsonTextError as error:
        raise InputError(f"{name} {error}") from error


def checked(model: Any, given: Json) -> Model:
    """Return an input as the pipeline takes it; raises InputError."""
    try:
        found: Model = model.model_validate(given)
    except ValidationError as error:
        problems = {_told(problem, given): None for problem in error.errors(include_url=False, include_input=False)}
        raise InputError("\n".join(["the pipeline does not take this input:", *problems])) from error
    return found


def _told(problem: Mapping[str, Any], given: Json) -> str:
    found = place(problem["loc"], given, missing=problem["type"] == "missing")
    why = "a file is wanted: give it as --file FIELD=PATH" if problem["type"] == WANTED else worded(problem)
    return f"  {'/'.join(map(str, found)) or '(the whole)'}: {why}"
