"""Every code that the compiler and our own node types report, with its severity and what it stands for.

A plugin declares its own in the package that its entry point in `saltern.diagnostics` names. Pages: docs/<code>.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saltern_runtime.spec.codes import Code, Severity

CODES: Final[Mapping[str, Code]] = {
    "ambiguous-edge-order": Code(
        "Reports several edges into one parameter that do not say by a `data.order` of their own which comes first."
    ),
    "ambiguous-wait": Code("Finds a `wait` that says both for how long and until when."),
    "approval-without-default": Code(
        "Finds an approval that says how long it waits and not what is decided then, or the other way round."
    ),
    "bad-escape": Code("Finds a backslash sequence in a string that stands for nothing."),
    "broken-assumption": Code("Finds schedules whose input is more than the budget assumes."),
    "broken-configuration": Code(
        "Reports a `saltern.toml`, or a `pyproject.toml` with a table for Saltern, that is no TOML."
    ),
    "broken-pipeline": Code("Finds uses of a file that is no pipeline, or of one with errors."),
    "case-after-else": Code("Reports a case of a `switch` that stands after `else`."),
    "connection-clash": Code("Finds calls that bring another connection of a name that is taken."),
    "control-character": Code("Reports a raw control character in the source, such as NUL."),
    "cycle": Code("Finds nodes that wait for each other, by their values, by `after` or by branches."),
    "deadline-too-short": Code("Warns of waits that are together longer than a run may last.", Severity.WARNING),
    "deprecated-version": Code(
        "Warns of nodes of a version that a later one has taken the place of.", Severity.WARNING
    ),
    "duplicate-case": Code("Reports a case of a `switch` that stands twice, or a second `else`."),
    "duplicate-id": Code("Finds two nodes of one id, two connections of one name, two secrets of one name."),
    "duplicate-key": Code("Reports a key that stands twice."),
    "duplicate-trigger": Code("Finds two webhooks at one path, and a trigger that is named twice."),
    "edge-across-regions": Code(
        "Finds nodes that hang on a branch of an `if` or `switch` on the other side of a region's border."
    ),
    "edge-to-missing-node": Code("Reports an edge that begins or ends at a node that is not there."),
    "edge-to-missing-port": Code("Reports an edge whose handle cannot be one."),
    "fixed-severity": Code("Finds errors that a configuration or a comment wants to be less than that."),
    "glued-text": Code(
        "Warns of URLs and messages that are added up of texts, where a template would be escaped.", Severity.WARNING
    ),
    "ill-typed-expression": Code(
        "Finds an operator or function whose operands have types that it does not take, or values that it can only refuse."
    ),
    "ill-typed-key": Code("Reports a value of a document that is of another kind than its key asks for."),
    "ill-typed-parameter": Code("Finds written-out values that are not of the type of their parameter."),
    "ill-typed-policy": Code("Reports a decorator that does not get what it takes, such as a time-out without a unit."),
    "ill-typed-setting": Code("Finds settings whose value is not of the type that they take."),
    "implicit-any": Code(
        "Warns of values that are of any type although nobody has said so, in strict mode.",
        Severity.WARNING,
        is_strict=True,
    ),
    "invalid-limit": Code(
        "Finds limits of a connection that let nothing through or say nothing, and limits of what nothing calls."
    ),
    "invalid-name": Code("Finds names that cannot be names."),
    "invalid-schedule": Code("Finds schedules whose time is no line of five cron fields, or never comes."),
    "invalid-secret-reference": Code("Finds references to secrets that name no environment variable."),
    "invalid-signature": Code("Finds signatures of webhooks that are none, or could protect nothing."),
    "invalid-webhook-path": Code("Finds webhooks whose path no request could have."),
    "late-respond": Code("Warns of an answer that comes later than any request waits for it.", Severity.WARNING),
    "literal-secret": Code("Finds secrets whose value stands in the pipeline."),
    "looks-like-secret": Code(
        "Warns of text that looks like a token, a private key or a URL with a password.", Severity.WARNING
    ),
    "malformed-suppression": Code(
        "Warns of a comment that begins with `saltern:` and allows nothing, or gives no reason.", Severity.WARNING
    ),
    "malformed-text": Code("Reports half of a surrogate pair."),
    "malformed-value": Code(
        "Reports an object with one of the keys `$expr`, `$template`, `$type`, `$secret` and `$literal` that is not what such an object is."
    ),
    "may-be-null": Code("Finds a part, a method or an operator of a value that may be null."),
    "may-be-skipped": Code("Finds an expression that reads a node which may not have run."),
    "misplaced-body": Code("Finds nodes that stand inside of a node whose type owns no body."),
    "misplaced-compensate": Code(
        "Finds a `compensate` of what cannot be taken back: in a loop, a `try` or a `parallel`, or without an effect."
    ),
    "misplaced-error": Code("Finds an `error` that hangs on no node's failure, or on more than that."),
    "misplaced-file": Code(
        "Finds files in the type of what comes from outside as JSON: answers of models, rows, decisions."
    ),
    "misplaced-respond": Code("Finds a `respond` inside of a loop, a `try` or a `parallel`."),
    "misplaced-result": Code(
        "Finds a `yield` or a `next` outside of the body that it gives something for, and a `return` inside of one."
    ),
    "misplaced-secret": Code("Finds secrets in parameters of nodes and in settings that hold none."),
    "misplaced-value": Code("Reports a template, a type, a duration or a word with settings where none may stand."),
    "missing-comma": Code("Reports two entries on one line without a comma between them."),
    "missing-connection": Code("Finds nodes without a connection whose type needs one."),
    "missing-key": Code("Reports a part of a document that lacks a key it cannot do without."),
    "missing-parameter": Code("Finds nodes that lack a parameter which their type requires."),
    "missing-pipeline": Code("Finds uses of a file that is not there, or lies outside of the pipeline's folder."),
    "missing-setting": Code("Finds connections and triggers that lack a setting which they need."),
    "missing-step": Code("Reports a version from which no step leads to the next one."),
    "nesting-too-deep": Code(
        "Finds text that is nested more than 100 levels deep, and regions that stand in more than 50 others."
    ),
    "not-a-literal": Code(
        "Finds expressions where a value must be written out, because it decides how the pipeline is compiled."
    ),
    "number-out-of-range": Code(
        "Finds a whole number that does not fit 64 bits, and one with a fraction or an exponent that does not fit a double."
    ),
    "out-of-bounds": Code("Finds time-outs, attempts, priorities and deadlines that the runtime cannot keep."),
    "outlasts-run": Code("Warns of a wait or a time-out that is longer than a run may last.", Severity.WARNING),
    "output-may-be-skipped": Code(
        "Finds declared outputs whose `return` hangs on a branch, so that some runs give nothing."
    ),
    "output-never-produced": Code("Finds declared outputs that no node returns."),
    "over-budget": Code("Finds limits of a budget that a run may go beyond."),
    "parameter-bound-twice": Code("Reports a parameter that has a value and an edge into it."),
    "payload-too-large": Code(
        "Warns of results that are larger than what is kept, whatever comes in.", Severity.WARNING
    ),
    "personal-leak": Code("Finds personal data on its way to a connection or host that does not accept it."),
    "quoted-expression": Code(
        "Warns of texts in quotes that name what is there, or hold a template.", Severity.WARNING
    ),
    "recursive-use": Code("Finds uses that lead back to a pipeline that they came from."),
    "region-without-yield": Code("Finds a `foreach` whose body has no `yield`, or only a disabled one."),
    "repeated-section": Code("Reports a section that stands a second time."),
    "reserved-id": Code("Finds nodes whose id means something else."),
    "reserved-input": Code("Finds starts of a pipeline that has an input named `linked`."),
    "retry-without-key": Code(
        "Warns of retries of what acts twice when it is called twice, in strict mode.", Severity.WARNING, is_strict=True
    ),
    "schedule-in-clock-change": Code(
        "Warns of schedules at a time of day that a clock change leaves out or brings twice.", Severity.WARNING
    ),
    "second-respond": Code("Finds a `respond` that may be reached after another one."),
    "secret-leak": Code("Finds secrets on their way to where they would be sent, shown, logged or kept."),
    "shadowed-name": Code("Warns of variables of expressions that hide what else has their name.", Severity.WARNING),
    "source-too-large": Code(
        "Reports a source of more than 1,000,000 characters in the language, or 8,388,608 as a document."
    ),
    "step-by-hand": Code("Reports a step to a newer version that only a person can take."),
    "stop-in-call": Code("Finds calls of a pipeline that may end its run as succeeded before it returns."),
    "syntax-error": Code("Finds text that does not follow the grammar."),
    "template-not-allowed": Code("Finds templates in parameters whose text is fixed, such as SQL."),
    "too-many-nodes": Code("Finds pipelines of more than 10,000 nodes."),
    "type-mismatch": Code(
        "Finds values that are not of the type of the parameter, or of the output, that they are bound to."
    ),
    "unannounced-receive": Code(
        "Warns of a `receive` whose address is handed out nowhere, or only once its answer has come.", Severity.WARNING
    ),
    "unbounded-loop": Code("Finds a `while` that does not say how many rounds are enough."),
    "uncacheable-node": Code("Finds a cache on a node that acts on something outside, on a region, or on a wait."),
    "unclosed-bracket": Code("Reports a bracket that is not closed, or that closes nothing."),
    "unclosed-string": Code("Reports a string or a template that has no end."),
    "undecided-budget": Code("Finds limits of a budget of which it hangs on unknown sizes whether they are kept."),
    "under-worst-case": Code(
        "Warns of deadlines, and of requests that wait for their run, that are over before its worst case is, in strict mode.",
        Severity.WARNING,
        is_strict=True,
    ),
    "unexpected-connection": Code("Finds nodes with a connection whose type uses none."),
    "unheard-respond": Code("Warns of a `respond` that no request waits for.", Severity.WARNING),
    "unknown-annotation": Code("Reports an annotation of a field that does not exist."),
    "unknown-code": Code("Finds configurations and comments that name a code which does not exist."),
    "unknown-connection": Code("Finds nodes that use a connection which the pipeline does not declare."),
    "unknown-connector": Code("Finds connections of a connector that no installed package offers."),
    "unknown-field": Code("Finds a field that the value it is read from does not have."),
    "unknown-function": Code("Finds a call of a function or method that does not exist."),
    "unknown-handle": Code("Finds control edges from a handle that their source does not have."),
    "unknown-key": Code("Reports a key that no part of a document has, with the nearest ones that it has."),
    "unknown-name": Code("Finds a name in an expression that nothing in the pipeline has."),
    "unknown-node": Code("Finds control edges and `after` that name a node which is not there."),
    "unknown-node-type": Code("Finds nodes whose type no installed package offers."),
    "unknown-node-version": Code("Finds nodes that ask for a version which their type does not have."),
    "unknown-parameter": Code("Finds parameters that a node type does not have."),
    "unknown-parent": Code("Reports a node whose `parentId` names no node, itself, or a node that holds no others."),
    "unknown-policy": Code("Reports a decorator that does not exist."),
    "unknown-secret": Code("Finds connections and triggers that name a secret which the pipeline does not declare."),
    "unknown-secret-source": Code("Reports a secret that does not say where it comes from."),
    "unknown-setting": Code("Finds settings that a connector, a trigger or the pipeline does not have."),
    "unknown-source-format": Code("Reports a file that is no pipeline by its name."),
    "unknown-time-zone": Code("Finds schedules and functions with a time zone that the IANA database does not have."),
    "unknown-trigger": Code("Finds triggers of a type that Saltern does not have."),
    "unknown-type": Code("Reports the name of a type that does not exist."),
    "unknown-use": Code("Finds calls of a pipeline that no `use` names."),
    "unmatched-budget": Code("Finds limits and assumptions of a budget that are about nothing in the pipeline."),
    "unnamed-branch": Code("Reports an `if` or a `switch` without a name."),
    "unnamed-pipeline": Code("Reports a pipeline without a line `pipeline name`."),
    "unquoted-text": Code("Finds a word without quotes where a text belongs."),
    "unreachable-catch": Code("Warns of a way for the failure of what cannot fail.", Severity.WARNING),
    "unreachable-node": Code("Finds nodes that no run can activate."),
    "unsupported-edge": Code(
        "Reports an edge that carries neither a value nor a branch, such as one to a model's tools."
    ),
    "unsupported-schema": Code("Reports a JSON Schema that says more than a type can."),
    "unused-connection": Code("Warns of connections that no node uses.", Severity.WARNING),
    "unused-declassify": Code("Warns of a `declassify` of what has no label.", Severity.WARNING),
    "unused-node": Code("Warns of nodes without an effect whose value nothing reads.", Severity.WARNING),
    "unused-secret": Code("Warns of secrets that no connection and no trigger uses.", Severity.WARNING),
    "unused-suppression": Code("Warns of findings that are allowed where there are none.", Severity.WARNING),
    "unused-use": Code("Warns of pipelines that are used but never called.", Severity.WARNING),
    "wrong-connector": Code("Finds nodes that use a connection of another connector than the one they need."),
    "yaml-feature-not-allowed": Code(
        "Reports an alias, a tag, a second document, or a key that is a list or a mapping."
    ),
}
