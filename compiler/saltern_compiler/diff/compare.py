"""Two checked pipelines in, all that differs in meaning out."""

from __future__ import annotations

from dataclasses import field, replace

from saltern_compiler.diff.matching import match
from saltern_compiler.diff.model import Change, Comparison
from saltern_compiler.diff.nodes import of_nodes
from saltern_compiler.diff.runs import runs_of
from saltern_compiler.diff.sections import names_of, of_sections
from saltern_compiler.diff.side import Side
from saltern_compiler.diff.triggers import of_triggers
from saltern_compiler.ir.canonical import canonical, digest
from saltern_runtime.dataclass import dataclass


def compare(old: Side, new: Side) -> Comparison:
    """Compare two pipelines and what they use; both without errors."""
    used = _Used()
    changed = frozenset(used.changed(old, new))
    names = names_of(old.pipeline, new.pipeline)
    matching = match(
        old.pipeline.body, new.pipeline.body, names, turned=canonical(new.pipeline) < canonical(old.pipeline)
    )
    changes = (*_changes(old, new, is_called=False), *(change for found in used.known.values() for change in found))
    return Comparison(old.pipeline.name, new.pipeline.name, changes, runs_of(old, new, matching, changed))


def _changes(old: Side, new: Side, *, is_called: bool) -> tuple[Change, ...]:
    ours, theirs = old.pipeline, new.pipeline
    texts = canonical(ours), canonical(theirs)
    names = names_of(ours, theirs)
    matching = match(ours.body, theirs.body, names, turned=texts[1] < texts[0])
    found = [*of_sections(old, new, names, is_called=is_called)]
    found += [] if is_called else of_triggers(ours, theirs, names)
    found += of_nodes(old, new, matching)
    if not found and texts[0] != texts[1] and not is_called:
        found.append(Change("changed", "pipeline", theirs.name, "meaning", digest(ours), digest(theirs)))
    return tuple(found)


@dataclass(slots=True)
class _Used:
    """Compares the pipelines that two pipelines use, each once."""

    known: dict[tuple[str, str], tuple[Change, ...]] = field(default_factory=dict)
    """Path of the old one and of the new one → what differs in it."""
    differs: dict[tuple[str, str], bool] = field(default_factory=dict)
    """The same → whether it, or something that it uses, differs."""

    def changed(self, old: Side, new: Side) -> list[str]:
        """Return the names, in the new pipeline, of what it uses and what means something else now."""
        names = names_of(old.pipeline, new.pipeline).uses
        found = []
        for use in old.pipeline.uses:
            name = names.get(use.name, use.name)
            ours, theirs = old.used(use.name), new.used(name)
            if ours is not None and theirs is not None and self._differs(ours, theirs):
                found.append(name)
        return found

    def _differs(self, old: tuple[str, Side], new: tuple[str, Side]) -> bool:
        key = (old[0], new[0])
        if key not in self.differs:
            found = tuple(replace(each, within=new[0]) for each in _changes(old[1], new[1], is_called=True))
            self.known[key] = found
            self.differs[key] = False  # uses lead nowhere in a circle
            self.differs[key] = bool(self.changed(old[1], new[1])) or bool(found)
        return self.differs[key]
