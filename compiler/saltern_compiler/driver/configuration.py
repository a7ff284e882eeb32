"""What a project says about checks: `saltern.toml`, or `[tool.saltern]` of `pyproject.toml`, beside a source or above it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin, has_errors
from saltern_compiler.diagnostics.rules import DEFAULT, Level, Rules, is_fixed
from saltern_compiler.diagnostics.suggest import did_you_mean, it_takes, nearest
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.codes import Code

OWN: Final = "saltern.toml"
SHARED: Final = "pyproject.toml"
_TABLE: Final = ("tool", "saltern")
"""Where ours stands in a file that is shared."""
_CHECKS: Final = "checks"
_STRICT: Final = "strict"
_LARGEST: Final = 1_048_576
_HEADER: Final = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_ENTRY: Final = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")

_TOOL: Final = re.compile(
    r"""^\s*(?:\[\[?\s*["']?tool["']?\s*(?:\]|\.\s*["']?saltern)|["']?tool["']?\s*[.=])""", re.MULTILINE
)
"""How `[tool.saltern]` begins in each way to write it; most files that name saltern require it, and say no more."""

Codes = Callable[[], Mapping[str, Code]]
"""Every code that there is; asked for only where one is named, since plugins are loaded for it."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration as it was read: what it says, and what is wrong with it."""

    name: str = ""
    """The path of its file, as it is shown."""
    text: str = ""
    rules: Rules = DEFAULT
    findings: tuple[Diagnostic, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether it says something that cannot be."""
        return has_errors(self.findings)


NO_CONFIGURATION: Final = Configuration()


def load_configuration(folder: Path, codes: Codes) -> Configuration:
    """Read the nearest configuration of a folder, upwards as far as a repository goes; one that says nothing where there is none."""
    here = folder.resolve()
    for up in (here, *here.parents):
        for name in (OWN, SHARED):
            text = _text(up / name)
            if text is not None and (name == OWN or _is_ours(text)):
                return read_configuration(text, _shown(up / name), codes)
        if (up / ".git").exists():
            break
    return NO_CONFIGURATION


def _shown(path: Path) -> str:
    here = Path.cwd().resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None


def _is_ours(text: str) -> bool:
    """Whether a file that is shared says something to us; what is wrong with it otherwise is for others to tell."""
    if "saltern" not in text or _TOOL.search(text) is None:
        return False
    import tomllib  # noqa: PLC0415 - most projects that are checked have no configuration

    try:
        tool = tomllib.loads(text).get(_TABLE[0])
    except tomllib.TOMLDecodeError:
        return re.search(r"^\s*\[\s*tool\s*\.\s*saltern\b", text, re.MULTILINE) is not None
    return isinstance(tool, dict) and _TABLE[1] in tool


def read_configuration(text: str, name: str, codes: Codes) -> Configuration:
    """Read a configuration: pure. What it says wrongly is told and means nothing."""
    reader = _Reader(text, codes, () if Path(name).name != SHARED else _TABLE)
    rules = reader.rules()
    return Configuration(name, text, rules, tuple(reader.findings))


@dataclass(slots=True)
class _Reader:
    text: str
    codes: Codes
    table: tuple[str, ...]
    findings: list[Diagnostic] = field(default_factory=list)

    def rules(self) -> Rules:
        import tomllib  # noqa: PLC0415 - most projects that are checked have no configuration

        try:
            document: Any = tomllib.loads(self.text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self._broken(str(error))
            return DEFAULT
        for key in self.table:
            document = document[key]
        if not self._is_table(document, self.table, "`[tool.saltern]`"):
            return DEFAULT
        known = (_STRICT, _CHECKS)
        for key in document:
            if key not in known:
                notes = (*did_you_mean(nearest(key, known)), it_takes(known))
                self._report("unknown-key", f"the configuration has no key `{key}`", (*self.table, key), *notes)
        strict = document.get(_STRICT, False)
        if not isinstance(strict, bool):
            message = f"`{_STRICT}` of the configuration must be true or false"
            self._report("ill-typed-key", message, (*self.table, _STRICT))
        return Rules(self._levels(document.get(_CHECKS, {})), strict is True)

    def _levels(self, given: object) -> Mapping[str, Level]:
        place = (*self.table, _CHECKS)
        if not isinstance(given, dict) or not given:
            self._is_table(given, place, f"`{_CHECKS}` of the configuration")
            return {}
        levels: dict[str, Level] = {}
        codes = self.codes()
        for code, level in given.items():
            known = codes.get(code)
            if known is None:
                notes = (*did_you_mean(nearest(code, codes)), "`saltern explain` shows what a code stands for.")
                self._report("unknown-code", f"there is no code `{code}`", (*place, code), *notes)
            elif level not in tuple(Level):
                choices = " or ".join(f'"{each}"' for each in Level)
                self._report("ill-typed-key", f"`{code}` of the configuration must be {choices}", (*place, code))
            elif is_fixed(known.severity) and level != Level.ERROR:
                self.findings.append(fixed_severity(code, self._origin((*place, code))))
            else:
                levels[code] = Level(level)
        return levels

    def _is_table(self, given: object, place: tuple[str, ...], what: str) -> bool:
        if not isinstance(given, dict):
            self._report("ill-typed-key", f"{what} must be a table", place)
        return isinstance(given, dict)

    def _report(self, code: str, message: str, place: tuple[str, ...], *notes: str) -> None:
        self.findings.append(Diagnostic(code, message, self._origin(place), notes=notes))

    def _broken(self, reason: str) -> None:
        match = re.search(r"\(at line (\d+), column (\d+)\)", reason)
        lines = self.text.split("\n")
        at = sum(len(line) + 1 for line in lines[: int(match[1]) - 1]) + int(match[2]) - 1 if match else len(self.text)
        words = re.sub(r"\s*\(at .*\)$", "", reason)
        origin = Origin(None, min(at, len(self.text)), min(at + 1, len(self.text)))
        self.findings.append(
            Diagnostic("broken-configuration", "the configuration is not TOML", origin, notes=(f"{words}.",))
        )

    def _origin(self, place: tuple[str, ...]) -> Origin:
        """Return where a key stands; where it is written in another way than on a line of its own, the nearest one around it."""
        places = dict(reversed(list(_entries(self.text))))
        while place and place not in places:
            place = place[:-1]
        start, end = places.get(place, (0, 0))
        return Origin(None, start, end)


def fixed_severity(code: str, origin: Origin) -> Diagnostic:
    """Tell that a code is an error whatever anybody says."""
    notes = ("No plan can be made of a pipeline that has it. Only what warns can be turned down, off, or up.",)
    return Diagnostic("fixed-severity", f"`{code}` is an error for everyone", origin, notes=notes)


def _entries(text: str) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """Yield the keys and tables of a TOML file that begin a line, each with its place."""
    table: tuple[str, ...] = ()
    at = 0
    for line in text.split("\n"):
        header, entry = _HEADER.match(line), _ENTRY.match(line)
        if header is not None:
            table = _parts(header[1])
            yield table, (at + header.start(1), at + header.end(1))
        elif entry is not None:
            yield (*table, *_parts(entry[1])), (at + entry.start(1), at + entry.end(1))
        at += len(line) + 1


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part[0] or part[1] or part[2] for part in re.findall(r""""([^"]*)"|'([^']*)'|([\w-]+)""", key))
