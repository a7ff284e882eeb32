"""Statements of random pipelines in which no others stand."""

from __future__ import annotations

from tests.equivalence.blocks import RETRY, Block, Blocks
from tests.equivalence.words import KINDS


class Leaves(Blocks):
    """Draws each of them."""

    def draw_set(self, block: Block) -> None:
        name, kind = self.name(), self.words.one(KINDS)
        self.add(
            block, name, [f"{name} = set{self.clause(block)} {{ value: {self.words.of(kind, block.known)} }}"], kind
        )

    def draw_template(self, block: Block) -> None:
        name, known = self.name(), block.known
        text = f"a {{{{ {self.words.int(known)} }}}} b {{{{ {self.words.string(known, 1)} }}}}"
        self.add(block, name, [f"{name} = template{self.clause(block)} {{ text: `{text}` }}"], "string")

    def draw_note(self, block: Block) -> None:
        name = self.name()
        call = self.own("note", self.words.int(block.known), name)
        self.add(block, name, [f"{name} = python.call{self.clause(block)} {call}"], "int")

    def draw_half(self, block: Block) -> None:
        name = self.name()
        value = self.words.int(block.known) if self.words.chance(3) else f"({self.words.int(block.known)} * 2)"
        call = self.own("half", value, more=', effect: "pure"')
        self.add(block, name, [f"{name} = python.call{self.clause(block)} {call}"], "int")

    def draw_ask(self, block: Block) -> None:
        """A question that is often asked again, and often kept."""
        name = self.name()
        value = self.words.int(block.known, 0) if self.words.chance(2) else "2"
        call = self.own("ask", value, f"{self.prefix}ask", ', effect: "idempotent"')
        kept = [] if self.words.chance(3) else ["@cache(1h)"]
        self.add(block, name, [*kept, f"{name} = python.call{self.clause(block)} {call}"], "int")

    def draw_look(self, block: Block) -> None:
        """Two nodes that look at the same at the same time, and what both make."""
        one, two, name = self.name(), self.name(), self.name()
        value = self.words.int(block.known, 0) if self.words.chance(2) else "2"
        call = self.own("look", value, f"{self.prefix}look", ', effect: "read"')
        block.lines += [f"{one} = python.call {call}", f"{two} = python.call {call}"]
        block.known.sure["int"] += (one, two)
        self.add(block, name, [f"{name} = set{self.clause(block)} {{ value: {one} + {two} }}"], "int")

    def draw_flaky(self, block: Block) -> None:
        name = self.name()
        call = self.own("flaky", self.words.int(block.known), name)
        self.add(block, name, [RETRY.format(9), f"{name} = python.call{self.clause(block)} {call}"], "int")

    def draw_failing(self, block: Block) -> None:
        """What fails, mostly where the run goes on without it."""
        if self.words.chance(4 if block.is_top else 2):
            name = self.name()
            self.add(block, name, self.failing(block, name), "int")
        else:
            self.draw_continued(block, 0)

    def draw_risky(self, block: Block) -> None:
        """A set whose expression may have no value, taken or not."""
        name = self.name()
        value = f"{self.words.int(block.known, 1)} / {self.words.divisor(block.known)}"
        self.add(block, name, ["@on_error(continue)", f"{name} = set{self.clause(block)} {{ value: {value} }}"])
        block.known.maybe["int"].append(name)

    def draw_wait(self, block: Block) -> None:
        name = self.name()
        self.add(block, name, [f"{name} = wait{self.clause(block)} {{ for: 1ms }}"])

    def draw_approval(self, block: Block) -> None:
        """A decision, of somebody or of a deadline."""
        name = self.name()
        ask = f"ask: `{{{{ {self.words.int(block.known, 0)} }}}}?`"
        if self.words.chance(2):
            self.answers[name] = self.words.one(("approve", "reject"))
        else:
            ask += ', deadline: 1ms, default: "nobody"'
        self.add(block, name, [f"{name} = approval{self.clause(block)} {{ {ask} }}"])
        block.known.sure["string"].append(f"string({name}.decision)")

    def draw_receive(self, block: Block) -> None:
        name = self.name()
        self.answers[name] = {"n": self.words.below(5)}
        self.add(block, name, [f"{name} = receive{self.clause(block)} {{ payload: type {{ n: int }} }}"])
        block.known.sure["int"].append(f"{name}.n")

    def draw_stop(self, block: Block) -> None:
        """The end of the run, behind a condition mostly."""
        gate, name = self.name(), self.name()
        stop = 'state: "failed", message: "enough"'
        if not self.is_called and self.words.chance(2):
            stop = f'state: "succeeded", output: {{ out: {self.words.int(block.known, 1)} }}'
        condition = (
            self.words.bool(block.known, 1) if self.words.chance(3) else f"{self.words.int(block.known, 0)} == 5"
        )
        head = f"{gate} = if {condition}{self.clause(block)} {{"
        self.add(block, gate, [head, f"{name} = stop {{ {stop} }}", "}"])

    def draw_disabled(self, block: Block) -> None:
        name = self.name()
        if self.words.chance(3):
            item = self.name()
            body = self.region(block, 0, item=item)
            head = f"{name} = foreach {item} in [1]{self.clause(block)} {{"
            return self.add(block, name, ["@disabled", head, *body, "}"], "list", maybe=True)
        call = self.own("note", self.words.int(block.known), name)
        self.add(block, name, ["@disabled", f"{name} = python.call{self.clause(block)} {call}"], "int", maybe=True)
        return None

    def draw_respond(self, block: Block) -> None:
        """An answer, once in a pipeline."""
        if self.responded or not block.is_top:
            return self.draw_set(block)
        self.responded = True
        name = self.name()
        body = f"status: 201, body: {{ of: {self.words.int(block.known)} }}"
        self.add(block, name, [f"{name} = respond{self.clause(block)} {{ {body} }}"])
        block.known.sure["int"].append(f"{name}.status")
        return None

    def draw_compensated(self, block: Block) -> None:
        """A call that is taken back, in a step or two of which one may fail."""
        if not block.is_top:
            return self.draw_note(block)
        name, undo, then = self.name(), self.name(), self.name()
        call = self.own(self.words.one(("note", "flaky")), self.words.int(block.known), name)
        steps = [f"{undo} = python.call {self.own('note', name, undo)}"]
        if self.words.chance(2):
            steps = [
                RETRY.format(2),
                f"{undo} = python.call {self.own(self.words.one(('note', 'refuse', 'boom')), name, undo)}",
            ]
            steps += [
                f"{then} = python.call after {undo} {self.own('note', 'input.a' if not self.is_called else '1', then)}"
            ]
        lines = [RETRY.format(9), f"{name} = python.call{self.clause(block)} {call} compensate {{", *steps, "}"]
        self.add(block, name, lines, "int")
        if self.words.chance(2):  # so that there is something to take back
            fails = self.name()
            self.add(block, fails, self.failing(block, fails), "int")
        return None

    def draw_merge(self, block: Block) -> None:
        """A merge as a node of its own, of what may have been skipped."""
        maybe = block.known.maybe["int"]
        if not maybe:
            return self.draw_set(block)
        name = self.name()
        values = [self.words.one(maybe) for _ in range(self.words.below(2) + 1)]
        self.add(
            block, name, [f"{name} = merge{self.clause(block)} {{ values: [{', '.join(dict.fromkeys(values))}] }}"]
        )
        block.known.sure["int"].append(f"({name} == null ? 0 : {name})")
        return None

    def draw_when(self, block: Block) -> None:
        """A node that hangs on a handle of the last branch, or on those of two new ones that do not wait for each other."""
        if block.of_several:
            return self.draw_set(block)
        name = self.name()
        last = [handle for handle in block.branches if handle.partition(".")[0] == block.last]
        if last and self.words.chance(2):
            gate = f"when {self.words.one(last)}"
        else:
            gates = [self.name(), self.name()]
            block.lines += [f"{gate} = if {self.words.bool(block.known, 1)} {{}}" for gate in gates]
            hung = ", ".join(f"{gate}.{self.words.one(('then', 'else'))}" for gate in gates)
            gate = f"when {self.words.one(('any', 'all'))} ({hung})"
        call = self.own("note", self.words.int(block.known), name)
        self.add(block, name, [f"{name} = python.call {gate} {call}"], "int", maybe=True)
        return None
