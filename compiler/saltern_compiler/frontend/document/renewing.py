"""Brings the shape of a document one version on, in its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.frontend.document.reader import is_foreign
from saltern_compiler.frontend.document.rewriting import Rewriter
from saltern_compiler.frontend.document.schema_steps import STEPS, SchemaStep
from saltern_compiler.frontend.document.shape import SCHEMA_VERSION, VERSION_KEY
from saltern_compiler.frontend.document.texts import read_text
from saltern_compiler.frontend.moves import Renewed
from saltern_runtime.spec import ByHand, Change, Drop, Json, Put, Rename


def renew(
    text: str, to: int | None, *, yaml: bool, steps: Sequence[SchemaStep] = STEPS, newest: int = SCHEMA_VERSION
) -> Renewed | None:
    """Take the next step towards a version; None for a document that is there, cannot be read, or is none of ours."""
    document, findings = read_text(text, yaml=yaml)
    if findings or not isinstance(document, dict) or is_foreign(document):
        return None
    version = document.get(VERSION_KEY, 0)
    wanted = newest if to is None else to
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < wanted:
        return None
    step = next((each for each in steps if each.of == version), None)
    if step is None:
        return Renewed(version + 1, (), "", (_gap(version, document),))
    changes = tuple(step.changes(document))
    by_hand = [each for each in changes if isinstance(each, ByHand)]
    if by_hand:
        return Renewed(version + 1, (), step.summary, [_decide(each, step) for each in by_hand])
    rewriter = Rewriter(text, yaml)
    _write(rewriter, changes)
    if VERSION_KEY in document:
        rewriter.put(f"/{VERSION_KEY}", version + 1)
    else:
        rewriter.first(VERSION_KEY, version + 1)
    return Renewed(version + 1, rewriter.changes, step.summary)


def _write(rewriter: Rewriter, changes: Sequence[Change]) -> None:
    dropped: dict[str, list[str]] = {}
    added: dict[str, dict[str, Json]] = {}
    for change in changes:
        assert isinstance(change, Rename | Drop | Put), "a document has no results, and what is by hand was asked for"
        whole, _, key = change.name.rpartition("/")
        name = key.replace("~1", "/").replace("~0", "~")
        match change:
            case Rename(name=pointer, to=new):
                rewriter.rename(pointer, new)
            case Drop():
                dropped.setdefault(whole, []).append(name)
            case Put(name=pointer, value=value) if rewriter.has(pointer):
                rewriter.put(pointer, value)
            case Put(value=value):
                added.setdefault(whole, {})[name] = value
    for whole, keys in dropped.items():
        rewriter.drop(whole, keys)
    for whole, members in added.items():
        rewriter.add(whole, members)


def _gap(version: int, document: Mapping[str, Json]) -> Diagnostic:
    message = f"no step leads from version {version} of documents to version {version + 1}"
    return Diagnostic("missing-step", message, Origin(f"/{VERSION_KEY}" if VERSION_KEY in document else ""))


def _decide(change: ByHand, step: SchemaStep) -> Diagnostic:
    message = f"the step to version {step.of + 1} of documents needs a decision"
    return Diagnostic("step-by-hand", message, Origin(change.name), notes=(change.what, step.summary))
