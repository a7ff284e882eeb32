"""What authors say about a pipeline beside its meaning: comments in text, notes on a canvas."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import Final, Literal, TypeAlias

from saltern_runtime.dataclass import dataclass

Where: TypeAlias = Literal["before", "beside", "inside"]
BEFORE: Final = "before"
BESIDE: Final = "beside"
INSIDE: Final = "inside"
NODE: Final = "node "
"""What the anchor of a statement begins with; other anchors are sections, such as `input` and `connection crm`."""
START: Final = "pipeline"
END: Final = "end"

Orders: TypeAlias = dict[frozenset[str], tuple[str, ...]]
"""In which order an author has written the keys of objects: by the set of keys."""

DIRECTIVE: Final = "saltern:"
"""What a line of a remark begins with that speaks to the checks."""
_ALLOW: Final = re.compile(r"saltern:\s*allow\s+([\w-]+)(?:\s+because\s+(\S.*))?")
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Remark:
    """A text at a place: before, beside or at the end inside of a section, a statement or one of its entries."""

    anchor: str
    text: str
    part: str = ""
    """The parameter, field or handle that it is about; empty for the whole."""
    where: Where = BEFORE

    @property
    def key(self) -> tuple[str, str, str]:
        """The place of the remark."""
        return self.anchor, self.part, self.where


@dataclass(frozen=True, slots=True)
class Remarks:
    """All remarks of a pipeline, by place and in order."""

    by_key: Mapping[tuple[str, str, str], Sequence[Remark]]
    used: set[tuple[str, str, str]] = field(default_factory=set)
    """The places that have been asked for: what stands at others has not been written."""

    @classmethod
    def of(cls, remarks: Sequence[Remark]) -> Remarks:
        """Sort remarks by place; only one of a single line can stand beside something."""
        by_key: dict[tuple[str, str, str], list[Remark]] = {}
        for remark in remarks:
            taken = remark.where == BESIDE and (remark.key in by_key or "\n" in remark.text)
            kept = replace(remark, where=BEFORE) if taken else remark
            by_key.setdefault(kept.key, []).append(kept)
        return cls(by_key)

    def lines(self, anchor: str, part: str = "", where: Where = BEFORE) -> list[str]:
        """Return the comments at a place as lines, an empty one between two remarks."""
        self.used.add((anchor, part, where))
        lines: list[str] = []
        for remark in self.by_key.get((anchor, part, where), ()):
            lines += [""] if lines else []
            lines += [f"# {line}".rstrip() for line in remark.text.split("\n")]
        return lines

    def beside(self, anchor: str, part: str = "") -> str:
        """Return the comment at the end of a line, if any."""
        return "".join(f"  {line}" for line in self.lines(anchor, part, BESIDE))

    def moved(self, anchors: Collection[str]) -> Remarks:
        """Move what has not been written to the statement that it is about, or to the beginning."""
        shifted: list[Remark] = []
        for key, remarks in self.by_key.items():
            anchor = key[0] if key[0] in anchors else START
            shifted += [
                remark if key in self.used else replace(remark, anchor=anchor, part="", where=BEFORE)
                for remark in remarks
            ]
        return Remarks.of(shifted)


@dataclass(frozen=True, slots=True)
class Allow:
    """A finding that is meant, and why; without a reason it does not count."""

    code: str
    because: str = ""


def read_allow(line: str) -> Allow | None:
    """Read what a line that begins with `saltern:` allows; None for one that says something else."""
    match = _ALLOW.fullmatch(line.strip())
    return None if match is None else Allow(match[1], (match[2] or "").strip())


def write_allow(allow: Allow) -> str:
    """Write a line that is read as what it allows."""
    return f"{DIRECTIVE} allow {allow.code} because {' '.join(allow.because.split())}"


def allowed(text: str) -> list[Allow]:
    """Read a remark that does nothing but allow; empty for any other."""
    lines = [read_allow(line) for line in text.split("\n")]
    sound = [each for each in lines if each is not None and each.because]
    return sound if len(sound) == len(lines) else []


def written(text: str) -> str:
    """Return a note as a comment can say it."""
    lines = re.split(r"\r\n|\r|\n", text)
    return "\n".join(_UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", line).rstrip() for line in lines)


def comment_text(comments: Sequence[str]) -> str:
    """Return what the lines of a comment say."""
    return "\n".join(re.sub(r"\A# ?", "", comment).rstrip() for comment in comments)


def in_order(keys: list[str], orders: Orders) -> list[str]:
    """Put keys in the order that an author has given them; without one, by name, and before them what stands in the head."""
    heads = [name for name in ("path", "cron") if name in keys]
    for first in ((), heads):
        rest = [name for name in keys if name not in first]
        known = orders.get(frozenset(rest))
        if known is not None and len(known) == len(rest):
            return [*first, *known]
    return sorted(keys)
