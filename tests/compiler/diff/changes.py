"""A pipeline and what people change in one: each change with what it is for callers and for runs in flight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

RULES: Final = """
def add(lines: list[int]) -> int:
    return sum(lines)


def half(amount: int) -> int:
    return amount // 2


def text(amount: int) -> str:
    return str(amount)
"""
FILES: Final = {"rules.py": RULES}
GIVEN: Final = (
    {"id": "o-1", "lines": [{"sku": "a", "price": 90}, {"sku": "b", "price": 25}]},
    {"id": "o-2", "lines": [{"sku": "c", "price": 25}]},
)
"""Inputs of the first base: one for each of its branches."""
GIVEN_OF: Final = {"orders": GIVEN, "tries": ({"n": 100}, {"n": 8}), "waits": ({"text": "four"}, {"text": ""})}

ORDERS: Final = """
pipeline orders

input { id: string, lines: list<{ sku: string, price: int }>, note?: string }
output { id: string, total: int, band: string, labels: list<string> }

settings { deadline: 1h }

on api
on webhook "/orders" { signature: standard, secret: env("ORDERS_SECRET") }
on schedule "0 7 * * 1-5" { input: { id: "daily", lines: [] } }

sum = python.call { function: "rules:add", args: { lines: input.lines.map(line, line.price) } }
off = python.call { function: "rules:half", args: { amount: sum } }
route = switch sum > 100 ? "large" : "small" {
  "large" => { big = set { value: "L" + input.id } }
  else => { small = set { value: "S" + input.id } }
}
band = set { value: merge(big, small, "") }
labels = foreach line in input.lines, at most 2 {
  made = set { value: line.sku + "/" + string(sum) }
  yield made
}

return { id: input.id, total: sum - off, band: band, labels: labels }
"""
"""Runs in one process: nothing of it calls anybody."""

DESK: Final = """
pipeline desk

input { subject: string @personal, urgent?: bool }
output { decision: string, by: string?, paid: string }

settings { deadline: 3d }

use score = "./score.saltern"
connection team = slack { token: env("SLACK_TOKEN"), accepts: [personal] }
connection model = openai { key: env("MODEL_KEY"), model: "gpt-5-mini", limits: { concurrency: 3 }, accepts: [personal] }

on webhook "/desk" { signature: github, secret: env("DESK_SECRET"), respond: 10s }

@timeout(20s)
kind = llm.chat(model) { prompt: `Sort: {{ input.subject }}`, response: type { kind: "bug" | "other" } }
rated = call score { text: kind.kind }
heard = respond { status: 200, body: { kind: kind.kind } }
asked = approval { ask: "Pay?", choices: ["yes", "no"], fields: type { amount: int } }
paid = receive { payload: type { reference: string }, deadline: 2d }
pause = wait { for: 30s }
poll = while state = { tries: 0 }, state.tries < 3, at most 5 {
  next { tries: state.tries + 1 }
}
told = slack.post_message(team) { channel: "#desk", text: `{{ input.subject }} {{ rated.points }} {{ poll.tries }}` } compensate {
  sorry = slack.post_message(team) { channel: "#desk", text: "Never mind." }
}

return { decision: asked.decision, by: asked.by, paid: paid.reference } after told, pause
"""
SCORE: Final = """
pipeline score

input { text: string }
output { points: int }

points = set { value: input.text.size() }
return { points: points }
"""
DESK_FILES: Final = {"score.saltern": SCORE}
TRIES: Final = """
pipeline tries

input { n: int }
output { got: int, best: int, note: string? }

on api

first = python.call { function: "rules:half", args: { amount: input.n } }
charge = try {
  paid = python.call { function: "rules:half", args: { amount: first } }
  yield paid
} catch failure {
  yield 0 - 1
}
best = parallel {
  fast => {
    a = set { value: first + 1 }
    yield a
  }
  good => {
    b = set { value: charge + 2 }
    yield b
  }
}
@on_error(continue)
risky = python.call { function: "rules:half", args: { amount: charge } }
seen = set { value: merge(risky, 0) }
is_big = if seen > 10 {
  note = set { value: "big" }
}
return { got: charge + seen, best: best.fast + best.good, note: merge(note) }
"""
"""Runs in one process as well: parts that catch, race and pass over failures."""
WAITS: Final = """
pipeline waits

input { text: string }
output { decision: string, by: string?, paid: string, points: int, rest: int }

use score = "./score.saltern"
use audit = "./audit.saltern"

on api

first = python.call { function: "rules:text", args: { amount: input.text.size() } }
rated = call score { text: input.text }
begun = start audit { text: first }
asked = approval { ask: `Pay {{ first }}?`, choices: ["yes", "no"], fields: type { amount: int } }
paid = receive after rated { payload: type { reference: string }, deadline: 30m }
pause = wait { for: 40ms }
rest = python.call after pause, begun { function: "rules:half", args: { amount: rated.points } }
return { decision: asked.decision, by: asked.by, paid: paid.reference, points: rated.points, rest: rest }
"""
"""Runs in one process, and somebody answers: what waits, what is called, and what is started."""
WAITS_FILES: Final = {
    "score.saltern": SCORE,
    "audit.saltern": """
pipeline audit

input { text: string }
output { size: int }

size = set { value: input.text.size() }
return { size: size }
""",
    **FILES,
}
_BASES: Final = {
    "waits": (WAITS, WAITS_FILES),
    "tries": (TRIES, FILES),
    "orders": (ORDERS, FILES),
    "desk": (DESK, DESK_FILES),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A change: texts of the base, each with what stands in its place."""

    name: str
    base: str
    edits: Mapping[str, str]
    callers: str
    runs: str
    says: tuple[str, ...]
    """What the changes are: `kind subject name: part`, sorted."""
    file: str = ""
    """The file beside the base that is edited in its place."""

    @property
    def old(self) -> tuple[str, Mapping[str, str]]:
        """The text and what lies beside it."""
        return _BASES[self.base]

    @property
    def new(self) -> tuple[str, Mapping[str, str]]:
        """The same, edited."""
        text, files = self.old
        edited = files[self.file] if self.file else text
        for before, after in self.edits.items():
            assert before in edited, before
            edited = edited.replace(before, after)
        return (text, {**files, self.file: edited}) if self.file else (edited, files)


def _orders(name: str, edits: dict[str, str], callers: str, runs: str, *says: str, file: str = "") -> Case:
    return Case(name, "orders", edits, callers, runs, says, file)


def _tries(name: str, edits: dict[str, str], callers: str, runs: str, *says: str) -> Case:
    return Case(name, "tries", edits, callers, runs, says)


def _desk(name: str, edits: dict[str, str], callers: str, runs: str, *says: str, file: str = "") -> Case:
    return Case(name, "desk", edits, callers, runs, says, file)


def _waits(name: str, edits: dict[str, str], callers: str, runs: str, *says: str, file: str = "") -> Case:
    return Case(name, "waits", edits, callers, runs, says, file)


CASES: Final = (
    # what is no change
    _orders("comment", {"pipeline orders": "# Orders.\npipeline orders"}, "cosmetic", "yes"),
    _orders("label", {"off = python": '@label("Half.")\noff = python'}, "cosmetic", "yes"),
    _orders("layout", {"{ id: input.id, total": "{\n  id: input.id,\n  total"}, "cosmetic", "yes"),
    _orders("order of keys", {"{ sku: string, price: int }": "{ price: int, sku: string }"}, "cosmetic", "yes"),
    _orders("doc", {"note?: string": 'note?: string @doc("Why.")'}, "cosmetic", "yes"),
    # names
    _orders("rename", {"off": "rebate"}, "cosmetic", "yes", "renamed node rebate"),
    _orders("rename of a switch", {"route": "way"}, "cosmetic", "yes", "renamed node way"),
    _orders("rename of a loop", {"labels = foreach": "tags = foreach", "labels: labels": "labels: tags"}, "cosmetic", "partly", "renamed node tags"),
    _orders("rename of an item", {"line in": "row in", "line.sku": "row.sku"}, "cosmetic", "yes", "renamed node labels: item"),
    _orders("rename in a body", {"made": "label"}, "cosmetic", "partly", "renamed node label"),
    _orders("rename and change", {"off = python": "rebate = python", "- off": "- rebate", "{ amount: sum }": "{ amount: sum + 2 }"},
        "safe", "yes", "changed node rebate: args", "renamed node rebate"),
    _desk("rename of a connection", {"team": "crew"}, "cosmetic", "yes", "renamed connection crew"),
    _desk("rename of a use", {"use score": "use rate", "call score": "call rate"}, "cosmetic", "yes", "renamed use rate"),
    _desk("rename of what is answered", {"asked": "decided"}, "breaking", "partly", "renamed node decided"),
    # input
    _orders("optional field", {"note?: string }": "note?: string, rush?: bool }"}, "safe", "yes", "added input rush"),
    _orders("required field", {"note?: string }": "note?: string, rush: bool }", "lines: [] }": "lines: [], rush: true }"}, "breaking", "no", "added input rush", "changed trigger schedule 0 7 * * 1-5: input"),
    _orders("field that is gone", {", note?: string": ""}, "breaking", "no", "removed input note"),
    _orders("wider input", {"note?: string": "note?: string | int"}, "safe", "yes", "changed input note"),
    _orders("narrower item", {"price: int }": "price: 90 | 25 }"}, "breaking", "no", "changed input lines[].price"),
    _orders("less is assumed", {"on api": 'budget { time: 1h, assume: { "size(input.lines)": 9 } }\non api'}, "breaking", "yes", "added budget assume size(input lines)", "added budget time"),
    _orders("a budget of time", {"on api": "budget { calls: {} }\non api"}, "cosmetic", "yes"),
    _orders("personal", {"id: string, lines": "id: string @personal, lines"}, "safe", "yes", "changed input id"),
    _desk("a mark that is gone", {" @personal": ""}, "breaking", "yes", "changed input subject"),
    _desk("a mark more", {"urgent?: bool": "urgent?: bool @personal"}, "safe", "yes", "changed input urgent"),
    # output
    _orders("field that is new", {"labels: list<string> }": "labels: list<string>, off: int }", "labels: labels }": "labels: labels, off: off }"},
        "safe", "yes", "added output off", "changed node return: value"),
    _orders("output that is gone", {", band: string": "", ", band: band,": ","},
        "breaking", "yes", "changed node return: value", "removed output band"),
    _orders("nullable output", {"band: string,": "band: string?,"}, "breaking", "yes", "changed output band"),
    _orders("wider number", {"total: int": "total: double"}, "breaking", "yes", "changed output total"),
    # triggers
    _orders("path", {'"/orders"': '"/order"'}, "breaking", "yes", "added trigger webhook /order", "removed trigger webhook /orders"),
    _orders("signature", {"signature: standard": "signature: github"}, "breaking", "yes", "changed trigger webhook /orders: signature"),
    _orders("api that is gone", {"on api\n": ""}, "breaking", "yes", "removed trigger api"),
    _orders("one more webhook", {"on api\n": 'on api\non webhook "/more" { signature: none }\n'}, "safe", "yes", "added trigger webhook /more"),
    _orders("schedule", {"0 7 * * 1-5": "0 8 * * 1-5"}, "safe", "yes", "changed trigger schedule 0 8 * * 1-5: cron"),
    _desk("how long an answer takes", {"respond: 10s": "respond: 20s"}, "safe", "yes", "changed trigger webhook /desk: respond"),
    _desk("secret of a webhook", {"DESK_SECRET": "OTHER_SECRET"}, "breaking", "yes", "added secret other_secret", "changed trigger webhook /desk: secret", "removed secret desk_secret"),
    # pipeline
    _orders("name", {"pipeline orders": "pipeline purchases"}, "breaking", "no", "changed pipeline purchases: name"),
    _orders("deadline", {"deadline: 1h": "deadline: 2h"}, "safe", "yes", "changed setting deadline"),
    _orders("policy of all", {"pipeline orders": "@retry(5)\npipeline orders"}, "safe", "yes", "added @retry"),
    # nodes
    _orders("policy", {"off = python": "@retry(5)\noff = python"}, "safe", "yes", "added node off: @retry"),
    _orders("failure passed over", {"off = python": "@on_error(continue)\noff = python", "sum - off": "sum - merge(off, 0)"},
        "safe", "yes", "added node off: @on_error", "changed node return: value"),
    _orders("parameter", {"sum > 100": "sum > 50"}, "safe", "yes", "changed node route: value"),
    _orders("another type of value", {"rules:half": "rules:text", "sum - off": "sum - int(off)"},
        "safe", "partly", "changed node off: function", "changed node return: value"),
    _orders("a node more", {"route = switch": "check = set { value: sum - off }\nroute = switch", "total: sum - off": "total: check"},
        "safe", "yes", "added node check", "changed node return: value"),
    _orders("a node between", {"off = python": 'more = python.call { function: "rules:half", args: { amount: sum } }\noff = python', "amount: sum }": "amount: more }", 'more = python.call { function: "rules:half", args: { amount: more }': 'more = python.call { function: "rules:half", args: { amount: sum }'},
        "safe", "yes", "added node more", "changed node off: args"),
    _orders("a node less", {"- off": "- 0", 'off = python.call { function: "rules:half", args: { amount: sum } }\n': ""},
        "safe", "yes", "changed node return: value", "removed node off"),
    _orders("a case more", {"  else => {": '  "huge" => { huge = set { value: "H" } }\n  else => {', "merge(big, small,": "merge(big, huge, small,"},
        "safe", "yes", "added node huge", "changed node band: value", "changed node route: cases"),
    _orders("another case", {'"large" =>': '"huge" =>', '? "large"': '? "huge"'},
        "safe", "partly", "changed node big: when", "changed node route: cases", "changed node route: value"),
    _orders("out of its branch", {'  "large" => { big = set { value: "L" + input.id } }': '  "large" => {}', "band = set": 'big = set { value: "L" + input.id }\nband = set', 'merge(big, small, "")': "big"},
        "safe", "partly", "changed node band: value", "removed node big: when"),
    _orders("window", {"at most 2": "at most 9"}, "safe", "partly", "changed node labels: at_most"),
    _orders("body", {'"/" + string(sum)': '"-" + string(sum)'}, "safe", "partly", "changed node made: value"),
    _orders("order", {"labels = foreach line in input.lines, at most 2 {": "labels = foreach line in input.lines, at most 2 after off {"}, "safe", "partly", "added node labels: after"),
    _orders("own module", {"sum(lines)": "sum(lines) + 1"}, "safe", "yes", "changed module rules.py", file="rules.py"),
    _orders("own module, another type", {"-> str": "-> int", "str(amount)": "amount"}, "safe", "yes", "changed module rules.py", file="rules.py"),
    # connections, used pipelines, answers
    _desk("prompt", {"`Sort: ": "`Sort this: "}, "safe", "yes", "changed node kind: prompt"),
    _desk("answer of a model", {'"bug" | "other" }': '"bug" }'}, "safe", "partly", "changed node heard: answers", "changed node kind: response"),
    _desk("model", {"gpt-5-mini": "gpt-5"}, "safe", "yes", "changed connection model: model"),
    _desk("what is accepted", {"3 }, accepts: [personal]": "3 }, accepts: [personal, secret]"}, "safe", "yes", "changed connection model: accepts"),
    _desk("limits", {"concurrency: 3": "concurrency: 5"}, "safe", "yes", "changed connection model: limits"),
    _desk("secret", {"SLACK_TOKEN": "CREW_TOKEN"}, "safe", "yes", "added secret crew_token", "changed connection team: token", "removed secret slack_token"),
    _desk("used pipeline", {"input.text.size()": "input.text.size() + 1"}, "safe", "partly", "changed node points: value in score.saltern", file="score.saltern"),
    _desk("a choice more", {'["yes", "no"]': '["yes", "no", "later"]'}, "safe", "partly", "added node asked: choice", "changed node asked: choices"),
    _desk("a choice less", {'["yes", "no"]': '["yes", "maybe"]'}, "breaking", "partly", "added node asked: choice", "changed node asked: choices", "removed node asked: choice"),
    _desk("what is filled in", {"amount: int": "amount: double"}, "safe", "partly", "changed node asked: answer amount", "changed node asked: fields"),
    _desk("payload", {"{ reference: string }": "{ reference: string, date: string }"}, "breaking", "no", "added node paid: answer date", "changed node paid: payload"),
    _desk("status", {"status: 200": "status: 201"}, "breaking", "yes", "changed node heard: answers", "changed node heard: status"),
    _desk("what is answered", {"body: { kind: kind.kind }": "body: { kind: kind.kind, ok: true }"}, "safe", "yes", "changed node heard: answers", "changed node heard: body"),
    _desk("no answer", {"heard = respond { status: 200, body: { kind: kind.kind } }\n": ""}, "breaking", "yes", "removed node heard"),
    _desk("a longer wait", {"for: 30s": "for: 60s"}, "safe", "partly", "changed node pause: for"),
    _desk("rounds", {"at most 5": "at most 9"}, "safe", "partly", "changed node poll: at_most"),
    _desk("nothing takes it back", {' compensate {\n  sorry = slack.post_message(team) { channel: "#desk", text: "Never mind." }\n}': ""},
        "safe", "partly", "removed node told/compensate"),
    # parts
    _tries("rename of a try", {"charge": "cost"}, "cosmetic", "partly", "renamed node cost"),
    _tries("rename of arms' node", {"best = parallel": "top = parallel", "best: best.fast + best.good": "best: top.fast + top.good"}, "cosmetic", "partly", "renamed node top"),
    _tries("an arm more", {"  good => {": "  calm => {\n    yield first + 3\n  }\n  good => {"}, "safe", "partly", "added node best/calm"),
    _tries("what an attempt does", {"amount: first }": "amount: first + 2 }"}, "safe", "partly", "changed node paid: args"),
    _tries("what a catch yields", {"0 - 1": "0 - 2"}, "safe", "partly", "changed node charge/catch/yield: value"),
    _tries("failures no longer passed over", {"@on_error(continue)\n": "", "merge(risky, 0)": "risky"},
        "safe", "partly", "changed node seen: value", "removed node risky: @on_error"),
    _tries("a failure that is looked at", {"@on_error(continue)\n": "", "amount: charge } }": "amount: charge } } on error e {\n  said = set { value: e.message }\n}"},
        "safe", "partly", "added node e", "added node said", "removed node risky: @on_error"),
    _tries("another branch", {"seen > 10": "seen > 2"}, "safe", "yes", "changed node is_big: condition"),
    _tries("a guard before", {"@on_error(continue)\nrisky = python.call {": "guard = if first > 0 {\n  go = set { value: 1 }\n}\n@on_error(continue)\nrisky = python.call after guard {"},
        "safe", "yes", "added node go", "added node guard", "added node risky: after"),
    # what waits, what is called, what is started
    _waits("rename of an approval", {"asked": "decided"}, "breaking", "partly", "renamed node decided"),
    _waits("a choice more of an approval", {'["yes", "no"]': '["yes", "no", "later"]'}, "safe", "partly", "added node asked: choice", "changed node asked: choices"),
    _waits("a choice that is gone", {'["yes", "no"]': '["no", "maybe"]'}, "breaking", "partly", "added node asked: choice", "changed node asked: choices", "removed node asked: choice"),
    _waits("another question", {"`Pay {{": "`Shall we pay {{"}, "safe", "partly", "changed node asked: ask"),
    _waits("what an approval fills in", {"amount: int }": "amount: double }"}, "safe", "partly", "changed node asked: answer amount", "changed node asked: fields"),
    _waits("an approval less", {'asked = approval { ask: `Pay {{ first }}?`, choices: ["yes", "no"], fields: type { amount: int } }\n': "", "asked.decision": '"yes"', "asked.by": "null"},
        "breaking", "partly", "changed node return: value", "removed node asked"),
    _waits("an approval more", {"paid = receive": 'sure = approval { ask: "Sure?" }\npaid = receive', "asked.decision,": "asked.decision + sure.decision,"},
        "safe", "yes", "added node sure", "changed node return: value"),
    _waits("payload of a receive", {"{ reference: string }": "{ reference: string, date: string }"}, "breaking", "no", "added node paid: answer date", "changed node paid: payload"),
    _waits("rename of a receive", {"paid =": "bill =", "paid.reference": "bill.reference"}, "breaking", "partly", "renamed node bill"),
    _waits("a receive less", {"paid = receive after rated { payload: type { reference: string }, deadline: 30m }\n": "", "paid.reference": '"none"'},
        "breaking", "partly", "changed node return: value", "removed node paid"),
    _waits("payload that is wider", {"{ reference: string }": "{ reference: string, date?: string }"}, "safe", "partly", "added node paid: answer date", "changed node paid: payload"),
    _waits("deadline of a receive", {"deadline: 30m": "deadline: 20m"}, "safe", "partly", "changed node paid: deadline"),
    _waits("a shorter wait", {"for: 40ms": "for: 30ms"}, "safe", "partly", "changed node pause: for"),
    _waits("beside what waits", {"amount: rated.points }": "amount: rated.points + 4 }"}, "safe", "yes", "changed node rest: args"),
    _waits("what is called", {"input.text.size()": "input.text.size() + 7"}, "safe", "partly", "changed node points: value in score.saltern", file="score.saltern"),
    _waits("what a called pipeline gives", {"output { points: int }": "output { points: int, text: string }", "{ points: points }": "{ points: points, text: input.text }"},
        "safe", "partly", "added output text in score.saltern", "changed node return: value in score.saltern", file="score.saltern"),
    _waits("what a call hands on", {"call score { text: input.text }": 'call score { text: input.text + "!" }'}, "safe", "partly", "changed node rated: text"),
    _waits("rename of a call", {"rated": "scored"}, "cosmetic", "partly", "renamed node scored"),
    _waits("what is started", {"input.text.size()": "input.text.size() + 7"}, "safe", "yes", "changed node size: value in audit.saltern", file="audit.saltern"),
    _waits("what a start hands on", {"start audit { text: first }": 'start audit { text: first + "!" }'}, "safe", "yes", "changed node begun: text"),
    _waits("rename of a start", {"begun": "sent"}, "cosmetic", "yes", "renamed node sent"),
    _waits("a start less", {"begun = start audit { text: first }\n": "", "after pause, begun": "after pause", 'use audit = "./audit.saltern"\n': ""},
        "safe", "yes", "changed node rest: after", "removed node begun", "removed use audit"),
    _waits("a start more", {"asked = approval": "other = start audit { text: input.text }\nasked = approval"}, "safe", "yes", "added node other"),
)  # fmt: skip
