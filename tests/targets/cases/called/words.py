"""What the pipeline `score` calls."""


def split(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split("-")
