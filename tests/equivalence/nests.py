"""Statements of random pipelines in which others stand."""

from __future__ import annotations

from tests.equivalence.blocks import Block, Blocks


class Nests(Blocks):
    """Draws each of them."""

    def draw_if(self, block: Block, depth: int) -> None:
        name = self.name()
        head = f"{name} = if {self.words.bool(block.known)}{self.clause(block)} {{"
        lines = [head, *self.branch(block, depth), "}"]
        if self.words.chance(2):
            lines[-1:] = ["} else {", *self.branch(block, min(depth, 1)), "}"]
        block.branches += [f"{name}.then", f"{name}.else"]
        self.add(block, name, lines)

    def draw_else_if(self, block: Block, depth: int) -> None:
        name = self.name()
        lines = [
            f"{name} = if {self.words.bool(block.known)}{self.clause(block)} {{",
            *self.branch(block, min(depth, 1)),
        ]
        lines += [f"}} else if {self.words.bool(block.known)} {{", *self.branch(block, depth)]
        self.add(block, name, [*lines, "} else {", *self.branch(block, 0), "}"])

    def draw_switch(self, block: Block, depth: int) -> None:
        name, known = self.name(), block.known
        kind = self.words.one(("int", "string", "bool"))
        cases = {"int": ("0, 1", "-1", "7"), "string": ('"a"', '"7", ""'), "bool": ("true", "false")}[kind]
        lines = [f"{name} = switch {self.words.of(kind, known)}{self.clause(block)} {{"]
        for at, case in enumerate(cases[: self.words.below(len(cases)) + 1]):
            lines += [f"{case} => {{", *self.branch(block, depth if at == 0 else 0, of_several="," in case), "}"]
        if kind != "bool":
            lines += ["else => {", *self.branch(block, 0), "}"]
        self.add(block, name, [*lines, "}"])

    def draw_foreach(self, block: Block, depth: int) -> None:
        name, item = self.name(), self.name()
        items = self.words.list(block.known, 1) if block.times < 6 else "[input.a]" if not self.is_called else "[1]"
        on_error = self.words.one(("stop", "continue", "collect"))
        head = f"{name} = foreach {item} in {items}, at most {self.words.one((1, 2, 8))}, on error {on_error}{self.clause(block)} {{"
        made = self.inner(block, depth, 3, item=item)
        given, gate = f"yield {self.words.int(made.known)}{self.clause(made)}", self.name()
        if self.words.chance(4):
            given = f"{gate} = if {self.words.bool(made.known, 1)}{self.clause(made)} {{ yield {self.words.int(made.known)} }}"
        self.add(block, name, [head, *made.lines, given, "}"], "list" if on_error != "collect" else "")
        if on_error == "collect":
            block.known.sure["list"].append(f"{name}.map(v, has(v.value) ? v.value : 0 - 1)")
            block.known.sure["string"].append(f'({name}.all(v, !has(v.error) || v.error.code == "boom") ? "" : "x")')

    def draw_while(self, block: Block, depth: int) -> None:
        name, state = self.name(), self.name()
        most = self.words.one((2, 1, 2, 0)) if block.times < 6 else 1
        head = f"{name} = while {state} = {{ n: 0, got: {self.words.int(block.known, 1)} }}, {state}.n < {most}"
        head += f" && {self.words.bool(block.known, 0)}" if self.words.chance(4) else ""
        limit = self.words.one((", at most 1, on limit continue", ", at most 1", ", at most 2"))
        made = self.inner(block, depth, 3, state=f"{state}.n", got=f"{state}.got")
        given, gate = f"next {{ n: {state}.n + 1, got: {self.words.int(made.known)} }}", self.name()
        if self.words.chance(6):
            given = f"{gate} = if {self.words.bool(made.known, 1)}{self.clause(made)} {{ {given} }}"
        else:
            given += self.clause(made)
        self.add(block, name, [f"{head}{limit}{self.clause(block)} {{", *made.lines, given, "}"])
        block.known.sure["int"] += [f"{name}.got", f"{name}.n"]

    def draw_try(self, block: Block, depth: int) -> None:
        name, error = self.name(), self.name()
        flip = self.words.chance(3)
        body = self.region(block, min(depth, 1) if flip else depth)
        known = block.known
        block.known = known.inside()
        block.known.sure["string"] += [f"{error}.code", f"{error}.node", f"{error}.kind", f"{error}.type"]
        block.known.sure["bool"].append(f"{error}.attempts > 0")
        handler = self.region(block, depth if flip else min(depth, 1))
        block.known = known
        lines = [f"{name} = try{self.clause(block)} {{", *body, f"}} catch {error} {{", *handler, "}"]
        self.add(block, name, lines, "int")

    def draw_parallel(self, block: Block, depth: int) -> None:
        name = self.name()
        arms = [self.region(block, depth if at == 0 else min(depth, 1)) for at in range(self.words.below(2) + 2)]
        lines = [f"{name} = parallel{self.clause(block)} {{"]
        for letter, arm in zip("pqr", arms, strict=False):
            lines += [f"{letter} => {{", *arm, "}"]
            block.known.sure["int"].append(f"{name}.{letter}")
        self.add(block, name, [*lines, "}"])

    def draw_race(self, block: Block, depth: int) -> None:
        """Arms of which some decide; in one of them there may be somebody who never comes."""
        name, join = self.name(), self.words.one(("any", "first", "quorum 1", "quorum 2"))
        lines = [f"{name} = parallel, join {join}{self.clause(block)} {{"]
        for at, letter in enumerate("pqr"[: self.words.below(2) + 2]):
            if at == 1 and join != "quorum 2" and self.words.chance(2):
                nap = self.name()
                arm = [f"{nap} = wait {{ for: {'1d' if join == 'first' else '20ms'} }}", f"yield 1 after {nap}"]
            else:
                arm = self.region(block, depth if at == 0 else 0)
            lines += [f"{letter} => {{", *arm, "}"]
        self.add(block, name, [*lines, "}"])
        block.known.sure["int"].append(f"size({name})" if join.startswith("q") else f"{name}.value")
        if not join.startswith("q"):
            block.known.sure["string"].append(f"string({name}.arm)")

    def draw_call(self, block: Block, depth: int) -> None:
        name, used = self.name(), self.beside(depth, called=True)
        call = f"call {used}{self.clause(block)} {{ a: {self.words.int(block.known)} }}"
        self.add(block, name, [f"{name} = {call}"], "int")
        if self.words.chance(3):
            again = self.name()
            call = f"call {used}{self.clause(block)} {{ a: {self.words.int(block.known)} }}"
            self.add(block, again, [f"{again} = {call}"], "int")

    def draw_start(self, block: Block, depth: int) -> None:
        """A run of its own; of its id it is known that it is there."""
        if block.times > 3 or self.is_called:
            return self.draw_note(block)
        name, used = self.name(), self.beside(min(depth, 2), called=False)
        linked = ", linked: true" if self.words.chance(3) else ""
        call = f"start {used}{self.clause(block)} {{ a: {self.words.int(block.known)}{linked} }}"
        self.add(block, name, [f"{name} = {call}"])
        block.known.sure["bool"].append(f'{name} != ""')
        return None

    def draw_handled(self, block: Block, depth: int) -> None:
        """A node, or a whole loop, whose failure takes a branch."""
        name, error, item = self.name(), self.name(), self.name()
        made = Block(block.known.inside(), times=block.times)
        made.known.sure["string"] += [f"{error}.code", f"{error}.node", f"{error}.kind"]
        if self.words.chance(2):
            body = self.region(block, depth, item=item)
            lines, kind = [f"{name} = foreach {item} in [7]{self.clause(block)} {{", *body, "}"], "list"
        else:
            lines, kind = self.failing(block, name), "int"
            made.known.sure["int"].append(f"{error}.attempts")
        self.fill(made, min(depth, 1))
        block.known.after(made.known)
        lines[-1] += f" on error {error} {{"
        self.add(block, name, [*lines, *made.lines, "}"], kind, maybe=True)
        block.branches += [f"{name}.success", f"{name}.error"]

    def draw_continued(self, block: Block, depth: int) -> None:
        """What fails, and the run goes on without it; or what would, and does not."""
        name = self.name()
        lines = self.failing(block, name)
        if self.words.chance(3):
            lines = [f"{name} = python.call{self.clause(block)} {self.own('note', self.words.int(block.known), name)}"]
        self.add(block, name, ["@on_error(continue)", *lines], "int", maybe=True)
