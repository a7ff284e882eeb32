"""Under which branches a node runs, and whether that makes sure that another one has a value.

A condition is a disjunction of terms; a term is a set of atoms (node, handle): the node took the handle. What an atom itself
stands on (the node ran at all) is not written out in the term, but found through `_stands_on`, so that terms stay small in
deep nests. The handle `""` means: the node came to an end without an error that the run passed over; `error`: with one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from saltern_runtime.spec.names import ERROR

Atom: TypeAlias = tuple[str, str]
Term: TypeAlias = frozenset[Atom]
Condition: TypeAlias = frozenset[Term]

TRUE: Final[Condition] = frozenset({frozenset()})
FALSE: Final[Condition] = frozenset()
MAX_TERMS: Final = 64
"""Beyond it a disjunction becomes one opaque atom: less is known then, and the cost stays bounded."""
_MAX_CLIMB: Final = 256
"""Enclosing branches that are searched for a contradiction, at most."""


class Conditions:
    """The conditions of a graph's nodes, added in the order of data flow."""

    def __init__(self) -> None:
        self.runs: dict[str, Condition] = {}
        """Node id → when it is activated."""
        self.has_value: dict[str, Condition] = {}
        """Node id → when others can read it."""
        self.steps = 0
        """Work done so far, for tests of the cost."""
        self._handles: dict[str, frozenset[str]] = {}
        self._place: dict[str, int] = {}
        self._stands_on: dict[Atom, Condition] = {}
        self._goals: dict[Atom, Condition] = {}
        self._sure: dict[Condition, dict[Atom, bool]] = {}
        self._tops: dict[Condition, int] = {}

    def add(
        self,
        node_id: str,
        edges: Sequence[Atom],
        *,
        any_of: bool = False,
        fallible: bool = False,
        disabled: bool = False,
    ) -> None:
        """Add a node: the handles that it hangs on, and whether it may pass over an error."""
        self._place[node_id] = len(self._place)
        self._handles[node_id] = frozenset()
        gates = [self._gate(edge) for edge in edges]
        if not gates:
            runs = TRUE
        elif any_of:
            runs = self._or((node_id, "?"), frozenset[Term]().union(*gates))
        else:
            runs = self._and(node_id, gates)
        self.runs[node_id] = runs
        if disabled or runs == FALSE:
            self.has_value[node_id] = FALSE
        elif fallible:
            self._stands_on[node_id, ""] = runs
            self.has_value[node_id] = frozenset({frozenset({(node_id, "")})})
        else:
            self.has_value[node_id] = runs

    def branch(self, node_id: str, handles: Iterable[str]) -> None:
        """Say which handles a node may take: always one of them, never two."""
        self._handles[node_id] = frozenset(handles)

    def implies(self, first: Condition, then: Condition) -> bool:
        """Whether a condition makes sure of another; False where it cannot be told."""
        if then == TRUE or first is then:
            return True
        return all(
            any(self._term_implies(term, other) for other in then) or any(self._makes_sure(atom, then) for atom in term)
            for term in first
        )

    def excludes(self, first: Condition, then: Condition) -> bool:
        """Whether two conditions never hold in one run; False where it cannot be told."""
        return all(self._contradicts(one | other) for one in first for other in then)

    def _gate(self, edge: Atom) -> Condition:
        """Return when a handle is taken."""
        if self.has_value[edge[0]] == FALSE:
            return FALSE
        if not edge[1]:
            return self.has_value[edge[0]]
        if edge[1] == ERROR:
            self._stands_on.setdefault(edge, self.runs[edge[0]])
        self._stands_on.setdefault(edge, self.has_value[edge[0]])
        return frozenset({frozenset({edge})})

    def _or(self, name: Atom, terms: Condition) -> Condition:
        merged = self._merge_arms(terms)
        if len(merged) > MAX_TERMS:
            return self._opaque(name, merged)
        return frozenset(
            term for term in merged if not any(other != term and self._absorbs(other, term) for other in merged)
        )

    def _absorbs(self, wide: Term, narrow: Term) -> bool:
        """Whether the narrow term adds nothing; of two that imply each other only the greater one goes."""
        if not self._term_implies(narrow, wide):
            return False
        return not self._term_implies(wide, narrow) or sorted(wide) < sorted(narrow)

    def _and(self, node_id: str, parts: Sequence[Condition]) -> Condition:
        """Conjoin; where writing out all combinations would be too much, each disjunction becomes one opaque atom."""
        size = 1
        for part in parts:
            size *= len(part)
        if size > MAX_TERMS:
            parts = [self._opaque((node_id, f"?{i}"), part) if len(part) > 1 else part for i, part in enumerate(parts)]
        terms: set[Term] = {frozenset()}
        for part in parts:
            self.steps += len(terms) * len(part)
            terms = {one | other for one in terms for other in part}
        possible = frozenset(term for term in terms if not self._contradicts(term))
        return self._or((node_id, "?"), possible) if len(possible) > 1 else possible

    def _opaque(self, atom: Atom, condition: Condition) -> Condition:
        self._stands_on[atom] = condition
        return frozenset({frozenset({atom})})

    def _merge_arms(self, terms: Condition) -> Condition:
        """Replace the terms for all handles of one node by what the node itself stands on, as long as there are such."""
        left = set(terms)
        arms: dict[tuple[Term, str], set[str]] = {}
        todo = sorted(left, key=sorted)
        while todo:
            term = todo.pop()
            if term not in left:
                continue
            for atom in sorted(term):
                self.steps += 1
                node_id, handle = atom
                if handle not in self._handles[node_id]:
                    continue
                rest = term - {atom}
                taken = arms.setdefault((rest, node_id), set())
                taken.add(handle)
                if taken != self._handles[node_id]:
                    continue
                left -= {rest | {(node_id, handle)} for handle in taken}
                outside = self.runs if "" in taken else self.has_value
                widened = [rest | outer for outer in outside[node_id]]
                left.update(widened)
                todo.extend(sorted(widened, key=sorted))
                break
        return TRUE if frozenset() in left else frozenset(left)

    def _term_implies(self, first: Term, then: Term) -> bool:
        return all(any(self._makes_sure(a, self._goal(b)) for a in first) for b in then)

    def _goal(self, atom: Atom) -> Condition:
        """Return what an atom is implied by: itself and, since an opaque one is only a name, the terms that it stands for."""
        if atom not in self._goals:
            itself = frozenset({frozenset({atom})})
            self._goals[atom] = itself | self._stands_on[atom] if atom[1].startswith("?") else itself
        return self._goals[atom]

    def _makes_sure(self, first: Atom, goal: Condition) -> bool:
        """Climb from an atom to what it stands on until terms of the goal are met, never higher than these stand.

        Terms of several atoms are not looked for: where only these would do, the answer is that it cannot be told.
        """
        known = self._sure.setdefault(goal, {})
        if first in known:
            return known[first]
        if goal not in self._tops:
            self._tops[goal] = min((self._place[node_id] for term in goal for node_id, _ in term), default=0)
        todo, atoms = [first], []
        seen: set[Atom] = set()
        while todo:
            atom = todo.pop()
            if atom in known or atom in seen:
                continue
            seen.add(atom)
            self.steps += 1
            if frozenset({atom}) in goal or self._place[atom[0]] < self._tops[goal]:
                known[atom] = frozenset({atom}) in goal
                continue
            atoms.append(atom)
            todo.extend(outer for term in self._stands_on[atom] for outer in term)
        for atom in sorted(atoms, key=lambda atom: (self._place[atom[0]], _rank(atom[1]))):
            known[atom] = all(any(known[outer] for outer in term) for term in self._stands_on[atom])
        return known[first]

    def _contradicts(self, term: Term) -> bool:
        """Whether two atoms need different handles of one node."""
        if len(term) < 2:
            return False
        taken: dict[str, str] = {}
        todo = sorted(term)
        for atom in todo:
            node_id, handle = atom
            if handle in self._handles[node_id] and taken.setdefault(node_id, handle) != handle:
                return True
            outer = self._stands_on[atom]
            if len(outer) == 1 and len(todo) < _MAX_CLIMB:
                self.steps += 1
                todo.extend(sorted(next(iter(outer))))
        return False


def _rank(handle: str) -> int:
    """Order the atoms of one node by what stands on what: opaque parts, the opaque whole, then `""`, then its handles."""
    if handle.startswith("?"):
        return 0 if len(handle) > 1 else 1
    return 2 if handle == "" else 3
