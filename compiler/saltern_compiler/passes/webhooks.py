"""How a webhook may be signed: the words, the settings of those that have some, and what could protect nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean
from saltern_compiler.ir.pipeline import BODY, SIGNATURE, Pipeline, Trigger
from saltern_compiler.ir.values import Literal, Value
from saltern_compiler.passes.base import Context
from saltern_compiler.passes.settings import check_settings
from saltern_compiler.passes.values import misfits
from saltern_runtime.spec import ANY, DOUBLE, STRING, Field, Json, LiteralType, ObjectType, Param, Type, obj, union

NONE: Final = "none"
"""The word for a webhook that checks nothing."""
NAMES: Final = ("standard", "github", "stripe", "slack", "shopify", "basic", "token", NONE)


def _words(*words: str) -> Type:
    return union(*map(LiteralType, words))


OPTIONS: Final = {
    "hmac": ObjectType(
        (
            Field("algorithm", _words("sha1", "sha256", "sha512"), required=False),
            Field("encoding", _words("hex", "base64"), required=False),
            Field("header", STRING),
            Field("id", STRING, required=False),
            Field("prefix", STRING, required=False),
            Field("signed", STRING, required=False),
            Field("timestamp", STRING, required=False),
        )
    ),
    "token": ObjectType((Field("header", STRING, required=False), Field("id", STRING, required=False))),
}
"""Word with settings → these."""
PARAMS: Final = (
    Param("path", STRING, doc="Where it listens, such as `/tickets`."),
    Param(
        SIGNATURE,
        _words(*NAMES),
        doc="How deliveries are signed: the vendor's name, or `hmac { header: … }` and `token { header: … }` for others.",
    ),
    Param(
        "secret",
        STRING,
        secret=True,
        doc="What deliveries are checked with; several, one a line of the variable, while they rotate.",
    ),
    Param(
        BODY,
        LiteralType("text"),
        required=False,
        doc="`text` gives the whole body as the input's field `body`; without it JSON and forms are read, by their content type.",
    ),
    Param("respond", DOUBLE, required=False, doc="How long a run may take to answer the request itself."),
)
_HEADER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,20}")
_PLACE: Final = re.compile(r"\{[a-z_]*\}")


def check_webhook(trigger: Trigger, pipeline: Pipeline, context: Context) -> None:
    """Report what a webhook lacks, what it cannot have, and a signature that could not protect it."""
    signature = trigger.setting(SIGNATURE)
    said = signature.value if isinstance(signature, Literal) else None
    owner = "the trigger `webhook`"
    known: Sequence[Param] = PARAMS
    if said == NONE:
        owner = "a webhook with `signature: none`"
        known = [param for param in known if not param.secret]
    word, settings = _worded(said)
    if signature is not None:
        takes = obj({word: OPTIONS[word]}) if word else ANY
        known = [replace(param, type=takes) if param.name == SIGNATURE else param for param in known]
    check_settings(owner, trigger.settings, known, trigger.origin, context, pipeline=pipeline)
    _check_body(trigger.setting(BODY), pipeline, context)
    if not isinstance(signature, Literal):
        return
    if not word and said not in NAMES:
        _report_unknown(said, signature.origin, context)
    flaws = _flaws(word, settings) if word else []
    for name in dict.fromkeys(name for name, _ in flaws):
        message = f"the signature `{word}` cannot have this `{name}`"
        notes = tuple(why for flawed, why in flaws if flawed == name)
        context.report(Diagnostic("invalid-signature", message, signature.place(word, name), notes=notes))


def _check_body(body: Value | None, pipeline: Pipeline, context: Context) -> None:
    if not isinstance(body, Literal) or body.value != "text":
        return
    for misfit in misfits({BODY: ""}, pipeline.input):
        notes = (
            "The input is `{ body: string }` where a webhook takes any body as a text; its other fields may be absent.",
        )
        message = f"the input cannot be a text: {misfit.message}"
        context.report(Diagnostic("ill-typed-setting", message, body.origin, notes=notes))


def _report_unknown(said: Json, place: Origin, context: Context) -> None:
    """Say what there is instead of a signature that is none; what may be a secret is not repeated."""
    text = said if isinstance(said, str) else next(iter(said), "") if isinstance(said, dict) else ""
    notes = [f"There are {', '.join(f'`{name}`' for name in NAMES)}, `hmac {{ … }}` and `token {{ … }}`."]
    message = f"unknown signature `{text}`" if _NAME.fullmatch(text) else "this is no signature"
    if text in OPTIONS:
        message = f"the signature `{text}` needs settings"
        notes = [f'Name the header at least: `{text} {{ header: "X-Signature" }}`.']
    elif text in NAMES:
        message = f"the signature `{text}` has no settings"
    else:
        notes = [*did_you_mean(context.nearest(text, (*NAMES, *OPTIONS))), *notes]
    context.report(Diagnostic("invalid-signature", message, place, notes=tuple(notes)))


def _worded(said: Json) -> tuple[str, dict[str, Json]]:
    """Return a word and its settings; an empty word where there is none that has some."""
    if isinstance(said, dict) and len(said) == 1:
        [(word, settings)] = said.items()
        if word in OPTIONS and isinstance(settings, dict):
            return word, settings
    return "", {}


def _flaws(word: str, settings: dict[str, Json]) -> list[tuple[str, str]]:
    texts = {name: value for name, value in settings.items() if isinstance(value, str)}
    flaws: list[tuple[str, str]] = [
        (name, "A header is named with letters, digits, `-` and `_`, such as `X-Signature`.")
        for name in ("header", "timestamp", "id")
        if name in texts and not _HEADER.fullmatch(texts[name])
    ]
    if word != "hmac":
        return flaws
    signed = texts.get("signed", "{body}")
    places = set(_PLACE.findall(signed))
    if "{body}" not in places:
        flaws.append(("signed", "Without `{body}` any body would pass with a signature once seen."))
    unknown = sorted(places - {"{body}", "{timestamp}", "{id}"})
    if unknown:
        flaws.append(("signed", f"{unknown[0]} stands for nothing; there are {{body}}, {{timestamp}} and {{id}}."))
    flaws += [
        ("signed", f"{{{name}}} needs `{name}`, the header it stands in.")
        for name in ("timestamp", "id")
        if f"{{{name}}}" in places and name not in texts
    ]
    if "timestamp" in texts and "{timestamp}" not in places:
        flaws.append(("timestamp", "A time that is not signed protects nothing: put `{timestamp}` into `signed`."))
    return flaws
