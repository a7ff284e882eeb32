"""The checker of the store's invariants: one atomic look at everything that a service holds."""

import json
import re
import threading
from collections import Counter
from typing import Self

import redis

from saltern_runtime.store.keys import Keys
from saltern_runtime.store.records import TAGS

SNAPSHOT = """
local out = { runs = {}, due = {}, ready = {}, bells = {}, each = {}, line = {}, turns = {}, behind = {}, inside = {}, places = {}, tags = {}, open = {}, states = {} }
local prefix = KEYS[1]
local function flat(list)
  local made = {}
  for i = 1, #list, 2 do made[list[i]] = list[i + 1] end
  return made
end
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local name = string.sub(key, #prefix + 1)
  local run = string.match(name, '^run:([^:]+)$')
  if run then
    out.runs[run] = { fields = flat(redis.call('HGETALL', key)), acts = flat(redis.call('HGETALL', key .. ':acts')) }
  elseif string.match(name, '^run:[^:]+:each:') then
    local run, path = string.match(name, '^run:([^:]+):each:(.*)$')
    local live = {}
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if string.match(field, '^o%d+$') then live[string.sub(field, 2)] = redis.call('HGET', key, field) end
    end
    out.each[run .. '|' .. path] = live
  elseif string.match(name, '^ready:') then
    out.ready[string.sub(name, 7)] = redis.call('ZRANGE', key, 0, -1)
    out.places[name] = flat(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'))
  elseif string.match(name, '^line:') then
    out.line[string.sub(name, 6)] = redis.call('ZRANGE', key, 0, -1)
    out.places[name] = flat(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'))
  elseif string.match(name, '^behind:') or string.match(name, '^inside:') then
    local place, group = string.match(name, '^(%a+):(.*)$')
    out[place][group] = redis.call('ZRANGE', key, 0, -1)
  elseif string.match(name, '^tags:') then
    out.tags[string.sub(name, 6)] = flat(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'))
  elseif string.match(name, '^turns:') then
    out.turns[string.sub(name, 7)] = flat(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'))
  elseif string.match(name, '^open:') then
    out.open[string.sub(name, 6)] = redis.call('ZRANGE', key, 0, -1)
  elseif string.match(name, '^state:') then
    for _, run in ipairs(redis.call('ZRANGE', key, 0, -1)) do out.states[run .. '|' .. string.sub(name, 7)] = 1 end
  elseif string.match(name, '^bells:') then
    out.bells[string.sub(name, 7)] = flat(redis.call('HGETALL', key))
  end
end
out.due = flat(redis.call('ZRANGE', prefix .. 'due', 0, -1, 'WITHSCORES'))
out.tenants = flat(redis.call('HGETALL', prefix .. 'tenants'))
return cjson.encode(out)
"""
OPEN = {"QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING", "COMPENSATING"}
PENDING = {"READY", "RUNNING", "RETRY_WAIT", "SUSPENDED"}


def look(client: redis.Redis, service: str, shard: int = 0) -> dict:
    """Return all that a shard holds, as SNAPSHOT finds it."""
    prefix = Keys(service).shard(shard)
    pattern = prefix.replace("[", "\\[") + "*"
    return json.loads(client.eval(SNAPSHOT, 1, prefix, pattern))


def broken(client: redis.Redis, service: str, shard: int = 0) -> list[str]:
    """Return what is broken, in words; nothing where all invariants hold."""
    return broken_in(look(client, service, shard))


def broken_in(state: dict) -> list[str]:
    """Return what is broken in what `look` found."""
    due, ready, bells = (dict(state[name] or {}) for name in ("due", "ready", "bells"))
    found = _states(dict(state["runs"] or {}), dict(state["states"] or {}))
    each = {tuple(name.split("|", 1)): dict(live) for name, live in dict(state["each"] or {}).items()}
    found += _limits(dict(state["runs"] or {}), dict(ready), due, dict(state["line"] or {}), dict(state["turns"] or {}))
    groups = {place: dict(state[place] or {}) for place in ("behind", "inside")}
    found += _groups(dict(state["runs"] or {}), due, **groups)
    behind = {run for members in groups["behind"].values() for run in members}
    found += _tenants(*(dict(state[name] or {}) for name in ("runs", "tenants", "places", "tags")))
    found += _versions(dict(state["runs"] or {}), dict(state["open"] or {}))
    for run, held in dict(state["runs"] or {}).items():
        if run in behind and "reviving" in held["fields"]:
            due[f"v|{run}"] = "when it is let in"
        found += _items(run, held, due, {path: live for (of, path), live in each.items() if of == run})
        waits = {queue: set(members) for queue, members in dict(ready).items()}
        for name, members in dict(state["line"] or {}).items():
            waits[f"line {name}"] = set(members)
        found += _run(run, held, due, waits)
    for queue, members in dict(ready).items():
        rung = [name.split(":")[1] for name in dict(bells).get(queue, {}) if name.startswith("rung:")]
        if members and not rung:
            found.append(f"{len(members)} wait in {queue}, and no bell is rung")
        found += [f"bell {slot} of {queue} has no timer" for slot in rung if f"b|{queue}|{slot}" not in due]
        if len(rung) != int(dict(bells).get(queue, {}).get("out", 0)):
            found.append(f"{queue}: {len(rung)} bells are rung, but the count says otherwise")
    return found


def _states(runs: dict, states: dict) -> list[str]:
    """Check that each open run is counted in its state, and in no other."""
    wanted = {f"{run}|{state}" for run, held in runs.items() if (state := held["fields"]["state"]) in OPEN}
    return [f"{each} is counted wrongly among open runs" for each in sorted(wanted ^ set(states))]


def _run(run: str, held: dict, due: dict, ready: dict) -> list[str]:
    fields = held["fields"]
    acts = {path: json.loads(text) for path, text in dict(held["acts"] or {}).items() if text.startswith("{")}
    if fields["state"] not in OPEN:
        if f"c|{run}" in due:  # the timers take the rest
            return []
        return [f"{run} is over, but {path} is {act['s']}" for path, act in acts.items() if act["s"] in PENDING]
    found = [] if f"r|{run}" in due else [f"{run} is open and has no timer"]
    undoing = fields["state"] == "COMPENSATING"
    counted = {path: act for path, act in acts.items() if "/compensate" in path or not undoing}
    pending = {path: act for path, act in counted.items() if act["s"] in PENDING}
    if undoing and not pending and not {f"c|{run}", f"v|{run}"} & set(due):
        found.append(f"{run} takes back what it did, and nothing goes on")
    for path, act in pending.items():
        if f"a|{run}|{path}" not in due:
            found.append(f"{path} of {run} is {act['s']} and has no timer")
        stands = ready.get(act["q"], set()) | ready.get(f"line {act['j']['n']}" if "j" in act else "", set())
        is_held = fields["state"] in {"CANCELLING", "PAUSED"} or f"q|{run}" in due
        if act["s"] == "READY" and not is_held and f"{run}|{path}" not in stands:
            found.append(f"{path} of {run} is READY and waits nowhere")
    running = sum(act["s"] == "RUNNING" for act in pending.values())
    asleep = sum(act["s"] == "SUSPENDED" for act in pending.values())
    if int(fields.get("asleep", 0)) != asleep:
        found.append(f"{run} counts {fields.get('asleep')} asleep; {asleep} are")
    if (fields["state"] == "WAITING") != bool(pending and asleep == len(pending)) and fields["state"] not in {
        "PAUSED",
        "CANCELLING",
        "COMPENSATING",
    } | ({fields["state"]} if f"v|{run}" in due else set()):
        found.append(f"{run} is {fields['state']}, and {asleep} of {len(pending)} sleep")
    counted_open = len(pending) + (f"v|{run}" in due)  # what a replay has not put back yet
    if int(fields["open"]) != counted_open or int(fields["running"]) != running:
        found.append(f"{run} counts {fields['open']} open, {fields['running']} running; {len(pending)}, {running} are")
    return found


def _versions(runs: dict, listed: dict) -> list[str]:
    """Check what is listed as open: each open run of a plan, and no other; and that it waits in queues of that plan alone."""
    stand = {(plan, run) for plan, members in listed.items() for run in members}
    are = {(held["fields"]["plan"], run) for run, held in runs.items() if held["fields"]["state"] in OPEN}
    found = [f"{run} is open, and not listed as such with {plan}" for plan, run in are - stand]
    for plan, run in are:
        queues = {
            json.loads(text).get("q", "") for text in dict(runs[run]["acts"] or {}).values() if text.startswith("{")
        }
        strange = {queue for queue in queues if re.match(r"[0-9a-f]{8}\.", queue) and queue[:8] != plan[7:15]}
        found += [f"{run} of {plan} waits in {queue}" for queue in sorted(strange)]
    return found + [f"{run} is listed as open with {plan}, and is not" for plan, run in stand - are]


def _limits(runs: dict, ready: dict, due: dict, lines: dict, turns: dict) -> list[str]:
    """Check limits: who has a turn is there to use it, nobody stands in a line and in a queue, a line does not stand still."""
    acts = {
        f"{run}|{path}": json.loads(text)
        for run, held in runs.items()
        for path, text in dict(held["acts"] or {}).items()
        if '"j":' in text
    }
    queued = {member for members in ready.values() for member in members}
    given = {name: dict(members) for name, members in turns.items()}
    found = []
    for name, line in lines.items():
        for member in line:
            if acts.get(member, {}).get("s") != "READY" or member in queued or member in given.get(name, {}):
                found.append(f"{member} stands in the line of {name}, and is {acts.get(member)}")
        if line and name not in given and f"l|{name}" not in due:
            found.append(f"{len(line)} stand in the line of {name}, and nothing lets them in")
    return found + _turns(acts, given, queued)


def _groups(runs: dict, due: dict, behind: dict, inside: dict) -> list[str]:
    """Check groups: an open run stands behind or inside, no more are inside than may be, nobody waits in vain or works meanwhile."""
    found = []
    for run, held in runs.items():
        group = held["fields"].get("group")
        stands = [place for place, of in (("behind", behind), ("inside", inside)) if run in of.get(group, ())]
        if group and (held["fields"]["state"] in OPEN) != (len(stands) == 1):
            found.append(f"{run} of a group is {held['fields']['state']} and stands {stands}")
    for group, line in behind.items():
        most = int(runs[line[0]]["fields"]["most"])
        if len(inside.get(group, ())) < most and f"g|{group}" not in due:
            found.append(f"{len(line)} stand behind in {group}, {len(inside.get(group, ()))} of {most} are inside")
        for run in line:
            acts = (json.loads(text) for text in dict(runs[run]["acts"] or {}).values() if text.startswith("{"))
            if runs[run]["fields"]["state"] != "COMPENSATING" and any(act["s"] in PENDING for act in acts):
                found.append(f"{run} stands behind, and something of it goes on")
    for group, members in inside.items():
        most = max(int(runs[run]["fields"]["most"]) for run in members)
        if len(members) > most:
            found.append(f"{len(members)} are inside in {group}, {most} may be")
    return found


def _tenants(runs: dict, counts: dict, places: dict, tags: dict) -> list[str]:
    """Check tenants: the count of open runs is that of a slow scan; a tenant's next tag is above those that it has."""
    fields = {run: held["fields"] for run, held in runs.items()}
    opened = Counter(each["tenant"] for each in fields.values() if "shared" in each and each["state"] in OPEN)
    found = [] if opened == Counter({name: int(count) for name, count in counts.items()}) else [
        f"{dict(opened)} are open, and the count says {counts}"
    ]  # fmt: skip
    for where, entries in places.items():
        scores = {member: divmod(int(score), 10**13) for member, score in dict(entries).items()}
        lowest = dict(sorted(scores.values(), reverse=True))
        for member, (urgency, tag) in scores.items():
            of = fields.get(member.partition("|")[0], {})
            if tag >= TAGS:
                continue
            ahead = dict(tags.get(f"{9 - urgency}|{where}", {})).get(of.get("tenant"), 0)
            if of.get("shared") != "1" or (tag >= int(ahead) and tag > lowest[urgency]):
                found.append(f"{member} stands at {tag} of {where}, and the next of {of.get('tenant')} is {ahead}")
    return found


def _turns(acts: dict, given: dict, queued: set) -> list[str]:
    found = []
    for name, members in given.items():
        for member, claimed in members.items():
            state = "RUNNING" if claimed == "1" else "READY"
            if acts.get(member, {}).get("s") != state or (claimed == "0" and member not in queued):
                found.append(f"{member} has a turn of {name} ({claimed}), and is {acts.get(member)}")
    for member, act in acts.items():
        limit = act.get("j")
        if not limit or act.get("v", "lost") != "lost":
            continue
        turn, most = given.get(limit["n"], {}), limit.get("c")
        if act["s"] == "RUNNING" and most and turn.get(member) != "1":
            found.append(f"{member} runs without a turn of {limit['n']}")
        if act["s"] == "READY" and member in queued and turn.get(member) != "0":
            found.append(f"{member} may be claimed without a turn of {limit['n']}")
        if act["s"] == "RUNNING" and most and len(turn) > most:
            found.append(f"{len(turn)} have a turn of {limit['n']}, {most} may")
    return found


def _items(run: str, held: dict, due: dict, each: dict) -> list[str]:
    """Check foreach: the window is full or its refill is due, each live item is counted right, nothing is left behind."""
    if held["fields"]["state"] not in OPEN - {"CANCELLING"} or f"v|{run}" in due:
        return []
    acts = {path: json.loads(text) for path, text in dict(held["acts"] or {}).items() if text.startswith("{")}
    if held["fields"]["state"] == "COMPENSATING":  # what else there was is being swept away
        acts, each = ({path: kept for path, kept in held.items() if "/compensate" in path} for held in (acts, each))
    found = [
        f"the items of {path} are kept, but {path} is over"
        for path in each
        if acts.get(path, {}).get("s") not in PENDING
    ]
    for path, act in acts.items():
        if act["s"] != "SUSPENDED" or "c" not in act:
            continue
        cursor, live = act["c"], each.get(path, {})
        window = [str(int(index)) for index in cursor["l"]]
        if sorted(window) != sorted(live):
            found.append(f"{path}: {sorted(window)} are in the window, {sorted(live)} are live")
        full = len(window) == min(cursor["m"], cursor["n"] - cursor["i"] + len(window))
        if not full and f"f|{run}|{path}" not in due:
            found.append(f"{path}: the window has {len(window)} items, and no refill is due")
        for index in window:
            inside = [a for p, a in acts.items() if p.rpartition("]/")[0] == f"{path}[{index}"]
            pending = sum(a["s"] in PENDING for a in inside)
            if not {f"k|{run}|{path}[{index}]", f"k|{run}|{path}"} & set(due) and int(live.get(index, 0)) != max(
                1, pending
            ):
                found.append(f"{path}[{index}] counts {live.get(index)} open, {pending} are")
        if not window:
            found.append(f"{path} sleeps, and nothing is left to wake it")
    return found


def recorded_twice(client: redis.Redis, service: str, run_id: str) -> list[str]:
    """Return the stages whose outcome was recorded more than once since the run last began anew."""
    entries = [fields for _, fields in client.xrange(Keys(service).run(run_id, ":events"))]
    anew = [at for at, fields in enumerate(entries) if fields["type"] == "run.rerun"]
    since = entries[anew[-1] if anew else 0 :]
    ends = [fields["path"] for fields in since if fields["type"] in ("stage.succeeded", "stage.skipped")]
    return sorted({path for path in ends if ends.count(path) > 1})


class Watch:
    """Checks all the time, in a thread, with so many seconds between two looks; `broken` keeps what it found."""

    def __init__(self, url: str, service: str, every: float = 0.02) -> None:
        self.broken: list[str] = []
        self.looks = 0
        self._client = redis.Redis.from_url(url, decode_responses=True)
        self._service = service
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _look(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.broken += broken(self._client, self._service)
                self.looks += 1
            except redis.exceptions.RedisError:
                continue
