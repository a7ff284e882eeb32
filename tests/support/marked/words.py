"""Own code that says what it was given: as its value, and in what it fails with."""

from saltern_runtime.errors import PermanentError
from saltern_runtime.files import File


def same(word: str) -> str:
    """Give it back."""
    return word


def size(paper: File) -> int:
    """Count a file's bytes."""
    return len(paper.read())


def refuse(word: str) -> str:
    """Fail, and repeat it; of own code's errors that nobody foresaw as well."""
    if word.endswith("x"):
        raise PermanentError(f"no {word} here", code="refused")
    raise ValueError(f"what is {word}?")


def end(word: str, decision: str, by: str, why: str | None) -> str:
    """Give it back, or fail where that was decided."""
    if decision == "reject":
        raise PermanentError(f"{by} refuses {word}: {why}", code="refused")
    return word
