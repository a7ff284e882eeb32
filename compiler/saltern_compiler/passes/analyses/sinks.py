"""Where values leave a run, or are shown, and what may go there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from saltern_compiler.ir.pipeline import ACCEPTS, RETURN, STOP, Connection, Node
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Label, NodeType, Param
from saltern_runtime.spec.types import LABELS

WHAT: Final[Mapping[Label, str]] = {"personal": "personal data", "secret": "a secret"}
"""Label → what has it, in a sentence."""
_ALL: Final = frozenset(LABELS)
_NO_SECRET: Final[frozenset[Label]] = frozenset({"personal"})


@dataclass(frozen=True, slots=True)
class Sink:
    """Where a parameter's value goes."""

    to: str
    """In words, for a receipt: "`model`", "the output"."""
    accepts: frozenset[Label]
    offence: str
    """What a parameter does with what is not accepted, in words: "sends {} to `model`, which does not accept it"."""
    remedy: str = ""
    """What to write where it may go there after all; `{}` is the label."""
    is_told: bool = True
    """Whether a receipt names what it accepts."""


def sinks(node: Node, spec: NodeType, param: Param, connections: Mapping[str, Connection]) -> Iterator[Sink]:
    """Yield where what is bound to a parameter goes, beside the store of the run."""
    if not param.passed:
        return
    if param.shown:
        yield Sink("whoever reads it", _NO_SECRET, "puts {} where whoever gets it keeps or logs it", is_told=False)
    connection = connections.get(node.connection or "")
    if connection is not None:
        accepts = frozenset(connection.labels(ACCEPTS))
        remedy = f"Where it may be sent there: `connection {connection.name} = {connection.connector} {{ …, accepts: [{{}}] }}`."
        offence = f"sends {{}} to `{connection.name}`, which does not accept it"
        yield Sink(f"`{connection.name}`", accepts, offence, remedy)
    elif (spec.connector is not None and spec.awaits is None) or spec.egress or param.is_url:
        remedy = "Name a connection that accepts it."
        yield Sink("a host", frozenset(), "sends {} to a host that no connection stands for", remedy)
    if node.type == STOP:
        yield Sink("whoever asks for the run", _NO_SECRET, "ends the run with {}")
    if spec.responds:
        yield Sink("whoever sent the request", _NO_SECRET, "answers with {}")


OUTPUT: Final = Sink("the output", _NO_SECRET, "gives {}, which whoever asks for the run sees")
CACHE: Final = Sink("the key of a cache", _NO_SECRET, "makes {} part of the key of a cache", is_told=False)
RUN: Final = Sink("a run of its own", _NO_SECRET, "gives {} to a run that does not mark it as one", is_told=False)


def is_output(node: Node) -> bool:
    """Whether a node gives the output of its pipeline."""
    return node.type == RETURN
