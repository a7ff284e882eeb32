"""Hostile texts and names, and a pipeline that has each of them in every place where a user may write."""

from __future__ import annotations

import keyword
from dataclasses import dataclass, fields, replace

from hypothesis import strategies as st

PWN = "__import__('sys').modules.__setitem__('saltern_pwned', 1)"
"""Run anywhere, it leaves a trace."""

FRAGMENTS = (
    '"', "'", '"""', "'''", "\\", "\\\\", '\\"', "{", "}", "{{", "}}", "{{ input.a }}", "{{ run.id }}", "{%", "%}", "{#", "#}",
    "${HOME}", "$(touch /tmp/x)", "`id`", "$$", "%s", "%(x)s", "%n", "\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\x1c", "\x85",
    "\u2028", "\u2029", "\x00", "\x07", "\x1b[31m", "\x7f", "\u200b", "\u202e", "\u2066", "\u2069", "\ufeff", "\u00a0", "\u00ad", "\ud800", "\udfff",
    "\U000e0001", "\U0001f600", "\u0430dmin", "\uff29nput", "e\u0301", "\u1e9e", "\u0130", " ", "  ", "#", "# noqa", "# type: ignore", "// x", "/* x */",
    "-->", "--->", "<!--", "<script>alert(1)</script>", "&amp;", "|", "| x | y |", "---", "...", "- x", "? x", ": ", "x: y", "&a", "*a", "!!python/object/apply:os.system [id]",
    "!!binary x", "<<: *a", "%YAML 1.2", "@x", ",", "[", "]", "~", "null", "yes", "on", "0x10", "1e3", "12:30:45", "=", "= 1", "\\\n", "RUN id", "FROM scratch",
    "# syntax=x", "# escape=`", "coding: utf-7", "-*- coding: latin-1 -*-", "../..", "/etc/passwd", ";", "&&", "||", ">", "<", "--", "-r x", "-e .", "$literal", "$expr",
    f"{{{PWN}}}", f'"+{PWN}+"', f"'+{PWN}+'", f'"""\n{PWN}\n"""', f"\n{PWN}\n", f"{{{{ {PWN} }}}}", f"#\n{PWN}", f"\\\n{PWN}", f"$({PWN})", f'")\n{PWN}\n(', f"!r}} {{{PWN}",
)  # fmt: skip

WORDS = (
    *keyword.kwlist, *keyword.softkwlist,
    "self", "cls", "ctx", "input", "run", "return_", "Input", "Output", "Model", "Literal", "Annotated", "Any", "Field", "Maybe", "Graph",
    "Stage", "On", "Retry", "Connection", "Context", "SKIPPED", "Skipped", "RunInfo", "node", "nodes", "models", "graph", "api", "tasks",
    "router", "create_app", "worker", "app", "celery", "GRAPH", "require", "text", "divide", "datetime", "timedelta", "timezone", "date",
    "str", "int", "list", "dict", "type", "print", "exec", "eval", "open", "object", "super", "id", "TypeAlias", "ConfigDict",
    "slack", "http", "llm", "python", "SlackMessage", "HttpResponse", "Chat", "Say", "Lit", "Ask", "LitItem", "ChatResponse",
    "__init__", "__class__", "__dict__", "__import__", "_private", "__slots__", "__annotations__", "__doc__", "__getattr__", "_", "__",
    "model_config", "model_fields", "model_dump", "model_json_schema", "copy", "json", "schema", "validate", "to_json", "construct",
    "default", "kube-system", "kubernetes", "localhost", "metadata", "spec", "kind", "apiVersion", "latest", "root", "true", "no", "y",
    "constructor", "prototype", "__proto__", "con", "nul", "aux", "PATH", "HOME", "LD_PRELOAD", "PYTHONPATH", "SALTERN_REDIS_URL",
    "a" * 64, "a" * 65, "a-b", "a.b", "a/b", "a b", "1a", "", "é", "\u0430", "\uff49\uff4e", "\uff41", "a\n", "a\x00", "A", "a_", "a__",
)  # fmt: skip

texts = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), max_size=4).map("".join),
)
names = st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), texts)


@dataclass(frozen=True)
class Texts:
    """What stands where a user may write any text."""

    description: str = "w"
    label: str = "w"
    note: str = "w"
    doc: str = "w"
    member: str = "w"
    case: str = "w"
    literal: str = "w"
    expression: str = "w"
    before: str = "w"
    after: str = "w"
    channel: str = "w"
    query: str = "w"
    prompt: str = "w"
    model: str = "w"
    argument: str = "w"
    source: str = "w"

    @property
    def first(self) -> str:
        """A member of an enum; two of them always differ."""
        return self.member + "1"

    @property
    def taken(self) -> str:
        """The member of an enum that is also a case."""
        return self.case + "2"

    @property
    def start(self) -> str:
        """What a template begins with: text alone, since `{{` is its notation."""
        text = self.before.replace("{{", "{ {")
        return f"{text} " if text.endswith("{") else text

    @property
    def end(self) -> str:
        """What a template ends with: text alone, as above."""
        text = self.after.replace("{{", "{ {")
        return f" {text}" if text.startswith("}") else text


@dataclass(frozen=True)
class Names:
    """What stands where a user may write a name."""

    pipeline: str = "harmless"
    node: str = "w1"
    other: str = "w2"
    connection: str = "w3"
    secret: str = "w4"
    env: str = "W5"
    field: str = "w6"
    second: str = "w7"
    inner: str = "w8"
    output: str = "w9"
    key: str = "w10"
    module: str = "w11"
    path: str = "w12"


some_texts = st.builds(Texts, **{each.name: texts for each in fields(Texts)})
some_names = st.builds(Names, **{each.name: names for each in fields(Names)})
one_name = st.tuples(st.sampled_from([each.name for each in fields(Names)]), names).map(
    lambda pair: replace(Names(), **{pair[0]: pair[1]})
)
one_text = st.tuples(st.sampled_from([each.name for each in fields(Texts)]), texts).map(
    lambda pair: replace(Texts(), **{pair[0]: pair[1]})
)


def quoted(text: str) -> str:
    """Write a CEL string literal."""
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(raw, escaped)
    return f'"{text}"'


def document(t: Texts, n: Names) -> dict:
    """Return an editor's document with each text and name at its place."""
    inputs = {
        "type": "object",
        "properties": {n.field: {"type": "string", "description": t.doc}, n.second: {"enum": [t.first, t.taken, "z"]}},
        "required": [n.field, n.second],
        "additionalProperties": False,
    }
    answer = {
        "type": "object",
        "properties": {n.inner: {"enum": [t.first, "z"], "description": t.doc}},
        "required": [n.inner],
        "additionalProperties": False,
    }
    read = f"input[{quoted(n.field)}]"

    def node(id_: str, type_: str, label: str = "", **data) -> dict:
        return {"id": id_, "type": type_, "data": {**({"label": label} if label else {}), **data}}

    return {
        "schemaVersion": 1,
        "name": n.pipeline,
        "description": t.description,
        "inputs": inputs,
        "secrets": {n.secret: f"env:{n.env}"},
        "connections": {
            n.connection: {"connector": "slack", "settings": {"token": {"$secret": n.secret}}},
            "brain": {"connector": "openai", "settings": {"key": {"$secret": n.secret}, "model": t.model}},
        },
        "triggers": [
            {"type": "webhook", "settings": {"path": f"/{n.path}", "signature": "standard", "secret": {"$secret": n.secret}}}
        ],
        "nodes": [
            {"id": "note-1", "type": "note", "data": {"text": t.note}},
            node(n.node, "set", t.label, params={"value": {"$literal": {n.key: t.literal, "list": [t.literal, {n.inner: t.literal}]}}}),
            node(n.other, "template", params={"text": {"$template": f"{t.start}{{{{ {read} }}}}{t.end}"}}),
            node("said", "set", params={"value": {"$expr": quoted(t.expression)}}),
            node("route", "switch", params={"value": {"$expr": f"input[{quoted(n.second)}]"}, "cases": [t.taken]}),
            node("branch", "set", params={"value": t.taken}),
            node("say", "slack.post_message", connection=n.connection, params={"channel": t.channel, "text": {"$expr": n.other}}),
            node("ask", "http.request", params={"url": "https://h.example/", "method": "POST", "query": {"$literal": {n.key: t.query}}, "body": {"$literal": {n.key: t.query}}}),
            node("chat", "llm.chat", t.label, connection="brain", params={"prompt": t.prompt, "response": {"$type": answer}}),
            node("own", "python.call", params={"function": f"{n.module}:f", "args": {"v": t.argument}}),
            node("return", "return", params={"value": {n.output: {"$expr": n.node}, "own": {"$expr": "own"}, "chat": {"$expr": f"chat[{quoted(n.inner)}]"}, "said": {"$expr": "said"}, "ok": {"$expr": "ask.status"}, "ts": {"$expr": "say.ts"}, "branch": {"$expr": "merge(branch, 'none')"}}}),
        ],
        "edges": [{"id": "e1", "source": "route", "sourceHandle": f"case.{t.taken}", "target": "branch"}],
    }  # fmt: skip


def modules(n: Names) -> dict[str, str]:
    """Return the pipeline's own module, under its name."""
    return {f"{n.module}.py": "def f(v: str) -> str:\n    return v\n"}
