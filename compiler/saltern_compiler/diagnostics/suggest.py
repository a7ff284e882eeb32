"""What was probably meant: names near a misspelt one, and the words and fixes that offer them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from saltern_compiler.diagnostics.model import Edit, Fix, Origin
from saltern_runtime.dataclass import dataclass

_SIMILARITY: Final = 0.6
_COMPARISONS: Final = 50_000
"""Names compared for one source, at most: a thousand typing errors must not take minutes."""


@dataclass(slots=True)
class Suggestions:
    """Looks for near names, as long as that is cheap."""

    comparisons: int = 0

    def nearest(self, name: str, among: Iterable[str]) -> tuple[str, ...]:
        """Return up to three names that look like a misspelt one, nearest first."""
        names = list(among)
        self.comparisons += len(names)
        return nearest(name, names) if self.comparisons <= _COMPARISONS else ()


def nearest(name: str, among: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Return names that look like a misspelt one, nearest first."""
    import difflib  # noqa: PLC0415 - where nothing is misspelt nothing is compared

    return tuple(difflib.get_close_matches(name, list(among), n=count, cutoff=_SIMILARITY))


def did_you_mean(names: Iterable[str]) -> tuple[str, ...]:
    """Write the note that offers names, where there are any."""
    offered = join(names, "or")
    return (f"Did you mean {offered}?",) if offered else ()


def there_are(names: Iterable[str]) -> tuple[str, ...]:
    """Write the note that says what there is, where there is anything."""
    known = list(names)
    return (f"There {'is' if len(known) == 1 else 'are'} {join(known)}.",) if known else ()


def it_takes(names: Iterable[str]) -> str:
    """Write the note that says which names something takes."""
    return f"It takes {join(names) or 'none'}."


def replace_by(names: Sequence[str], origin: Origin) -> tuple[Fix, ...]:
    """Offer to put the nearest name in place of a misspelt one that is all that stands at a place."""
    if not names:
        return ()
    whole_json_value = origin.pointer is not None and origin.start is None
    text = json.dumps(names[0], ensure_ascii=False) if whole_json_value else names[0]
    return (Fix(f"Replace by `{names[0]}`", (Edit(origin, text),)),)


def join(names: Iterable[str], word: str = "and") -> str:
    """Write names as a reader expects them: `a`, `b` and `c`; many are cut."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > 12:
        quoted = [*quoted[:10], f"{len(quoted) - 10} more"]
    return listed(quoted, word)


def listed(parts: Sequence[str], word: str = "and") -> str:
    """Write parts one after another, a word before the last."""
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}" if len(parts) > 1 else "".join(parts)
