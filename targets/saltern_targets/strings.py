"""Cuts the source of a string literal into the literals of its lines."""

from __future__ import annotations


def split_text(source: str) -> list[str]:
    r"""Cut after each escaped line end: `f"a\n{b}"` gives `"a\n"` and `f"{b}"`; a text of one line stays whole."""
    if source[-1] not in "\"'" or source.startswith(('"""', "'''", 'f"""', "f'''")):
        return [source]
    formatted = source[0] == "f"
    if source[0] not in "f\"'":
        return [source]
    quote = source[-1]
    pieces = _pieces(source[2 if formatted else 1 : -1], formatted=formatted)
    if len(pieces) < 2:
        return [source]
    return [_literal(text, quote, has_values=has_values, formatted=formatted) for text, has_values in pieces]


def _pieces(text: str, *, formatted: bool) -> list[tuple[str, bool]]:
    """Return each line with whether a value stands in it."""
    pieces: list[tuple[str, bool]] = []
    start = at = 0
    has_values = False
    while at < len(text):
        if text[at] == "\\":
            at += 2
            if text[at - 1] == "n":
                pieces.append((text[start:at], has_values))
                start, has_values = at, False
        elif formatted and text[at : at + 2] in ("{{", "}}"):
            at += 2
        elif formatted and text[at] == "{":
            has_values = True
            at = _end_of_value(text, at + 1)
        else:
            at += 1
    if start < len(text):
        pieces.append((text[start:], has_values))
    return pieces


def _end_of_value(text: str, at: int) -> int:
    """Return the place after the `}` that closes a value; strings inside it may hold braces."""
    depth, quote = 1, ""
    while depth:
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        else:
            depth += (char in "{[(") - (char in "}])")
        at += 1
    return at


def _literal(text: str, quote: str, *, has_values: bool, formatted: bool) -> str:
    if has_values:
        return f"f{quote}{text}{quote}"
    return quote + (text.replace("{{", "{").replace("}}", "}") if formatted else text) + quote
