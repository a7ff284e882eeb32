"""Places boxes in layers from left to right (Sugiyama 1981): few crossings, straight lines, the same picture every time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import field
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final

from saltern_runtime.dataclass import dataclass

SWEEPS: Final = 12
_LARGE: Final = 3000
"""With more boxes and bends than these, one sweep must do."""

Point = tuple[float, float]
Size = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Link:
    """A line from one box to another; `room` is the width of what stands at its end."""

    source: str
    target: str
    room: float = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """Where everything is: the upper left corners of boxes, and the points that each line bends at."""

    boxes: Mapping[str, Point]
    lines: Sequence[Line]
    """In the order of the links."""
    size: Size


@dataclass(frozen=True, slots=True)
class Line:
    """How a link runs: level from its box to `leave`, level through each of the layers between, level from `arrive` on."""

    leave: float
    arrive: float
    through: Sequence[tuple[Point, Point]]
    """Both ends of each level piece between."""

    def moved(self, by: Point) -> Line:
        """Return the line elsewhere."""
        x, y = by
        pieces = [((x1 + x, y1 + y), (x2 + x, y2 + y)) for (x1, y1), (x2, y2) in self.through]
        return Line(self.leave + x, self.arrive + x, pieces)


@dataclass(slots=True)
class _Slot:
    """A box in its layer, or a place where a long line passes through it."""

    box: str | None
    height: float
    layer: int
    ins: list[int] = field(default_factory=list)
    outs: list[int] = field(default_factory=list)
    y: float = 0
    """Its middle."""


def place(sizes: Mapping[str, Size], links: Sequence[Link], *, gap: float = 64, apart: float = 28) -> Placed:
    """Place boxes. `sizes` gives their order where nothing else does; `gap` lies between layers, `apart` between boxes."""
    layers_of = _layers(sizes, links)
    slots, lines = _slots(sizes, links, layers_of)
    layers = _initial(slots)
    sweeps = SWEEPS if len(slots) < _LARGE else 1
    layers = _order(slots, layers, sweeps)
    _spread(slots, layers, apart, sweeps)
    columns, width = _columns(sizes, links, layers_of, gap)
    top = min((slot.y - slot.height / 2 for slot in slots), default=0)
    boxes: dict[str, Point] = {}
    for slot in slots:
        if slot.box is not None:
            column = columns[slot.layer]
            across = sizes[slot.box][0]
            boxes[slot.box] = (column.left + (column.width - across) / 2, slot.y - slot.height / 2 - top)
    routes = [_line([slots[number] for number in line], columns, top) for line in lines]
    height = max((slot.y + slot.height / 2 for slot in slots), default=0) - top
    return Placed(boxes, routes, (width, height))


@dataclass(frozen=True, slots=True)
class _Column:
    """A layer: where its boxes begin, how wide they are, and how much room the ends of lines have before them."""

    left: float
    width: float
    room: float

    @property
    def right(self) -> float:
        return self.left + self.width


def _line(slots: Sequence[_Slot], columns: Sequence[_Column], top: float) -> Line:
    first, *between, last = slots
    pieces: list[tuple[Point, Point]] = []
    for slot in between:
        column = columns[slot.layer]
        pieces.append(((column.left - column.room, slot.y - top), (column.right, slot.y - top)))
    target = columns[last.layer]
    return Line(columns[first.layer].right, target.left - target.room, pieces)


def _columns(
    sizes: Mapping[str, Size], links: Sequence[Link], layer_of: Mapping[str, int], gap: float
) -> tuple[list[_Column], float]:
    """Return the layers from left to right, and the width of them all."""
    count = max(layer_of.values(), default=-1) + 1
    widths = [0.0] * count
    rooms = [0.0] * count
    for box, (width, _) in sizes.items():
        widths[layer_of[box]] = max(widths[layer_of[box]], width)
    for link in links:
        layer = layer_of[link.target]
        rooms[layer] = max(rooms[layer], link.room)
    placed: list[_Column] = []
    at = 0.0
    for layer in range(count):
        at += (gap + rooms[layer]) if layer else 0
        placed.append(_Column(at, widths[layer], rooms[layer]))
        at += widths[layer]
    return placed, at


def _layers(sizes: Mapping[str, Size], links: Sequence[Link]) -> dict[str, int]:
    """Give each box the length of the longest way to it; lines that run in a circle count for nothing."""
    rank = {box: number for number, box in enumerate(sizes)}
    ins: dict[str, set[str]] = {box: set() for box in sizes}
    outs: dict[str, set[str]] = {box: set() for box in sizes}
    for link in links:
        if link.source != link.target:
            ins[link.target].add(link.source)
            outs[link.source].add(link.target)
    counts = {box: len(sources) for box, sources in ins.items()}
    ready = [rank[box] for box, count in counts.items() if count == 0]
    heapify(ready)
    names = list(sizes)
    layers: dict[str, int] = {}
    while len(layers) < len(names):
        box = names[heappop(ready)] if ready else next(name for name in names if name not in layers)
        if box in layers:
            continue
        layers[box] = max((layers[source] + 1 for source in ins[box] if source in layers), default=0)
        for target in outs[box]:
            counts[target] -= 1
            if counts[target] == 0 and target not in layers:
                heappush(ready, rank[target])
    return layers


def _slots(
    sizes: Mapping[str, Size], links: Sequence[Link], layer_of: Mapping[str, int]
) -> tuple[list[_Slot], list[list[int]]]:
    """Make a slot for each box, and one for each layer that a line passes through."""
    slots = [_Slot(box, size[1], layer_of[box]) for box, size in sizes.items()]
    number_of = {box: number for number, box in enumerate(sizes)}
    lines: list[list[int]] = []
    for link in links:
        first, last = number_of[link.source], number_of[link.target]
        line = [first]
        for layer in range(slots[first].layer + 1, slots[last].layer):
            slots.append(_Slot(None, 0, layer))
            line.append(len(slots) - 1)
        line.append(last)
        lines.append(line)
        if slots[first].layer >= slots[last].layer:
            continue
        for here, there in pairwise(line):
            slots[here].outs.append(there)
            slots[there].ins.append(here)
    return slots, lines


def _initial(slots: Sequence[_Slot]) -> list[list[int]]:
    layers: list[list[int]] = [[] for _ in range(max((slot.layer for slot in slots), default=-1) + 1)]
    for number, slot in enumerate(slots):
        layers[slot.layer].append(number)
    return layers


def _order(slots: Sequence[_Slot], layers: list[list[int]], sweeps: int) -> list[list[int]]:
    """Put each layer in the order of the averages of its neighbours, to and fro; the order with the fewest crossings counts."""
    best = [list(layer) for layer in layers]
    fewest = _crossings(slots, best)
    for sweep in range(sweeps):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        for layer in layers if forward else reversed(layers):
            _by_neighbours(slots, layers, layer, forward=forward)
        _swap(slots, layers)
        count = _crossings(slots, layers)
        if count < fewest:
            fewest, best = count, [list(layer) for layer in layers]
    return best


def _by_neighbours(slots: Sequence[_Slot], layers: list[list[int]], layer: list[int], *, forward: bool) -> None:
    index = slots[layer[0]].layer + (-1 if forward else 1) if layer else -1
    if not 0 <= index < len(layers):
        return
    place_of = {number: place for place, number in enumerate(layers[index])}
    weights: dict[int, float] = {}
    for place, number in enumerate(layer):
        near = [place_of[neighbour] for neighbour in (slots[number].ins if forward else slots[number].outs)]
        weights[number] = sum(near) / len(near) if near else float(place)
    layer.sort(key=lambda number: weights[number])


def _swap(slots: Sequence[_Slot], layers: list[list[int]]) -> None:
    """Swap neighbours of a layer where that saves crossings."""
    for index, layer in enumerate(layers):
        sides = [
            {number: place for place, number in enumerate(layers[at])} if 0 <= at < len(layers) else {}
            for at in (index - 1, index + 1)
        ]
        for place in range(len(layer) - 1):
            one, two = layer[place], layer[place + 1]
            now = _between(slots, one, two, sides)
            if now > _between(slots, two, one, sides):
                layer[place], layer[place + 1] = two, one


def _between(slots: Sequence[_Slot], upper: int, lower: int, sides: Sequence[Mapping[int, int]]) -> int:
    count = 0
    pairs = ((slots[upper].ins, slots[lower].ins), (slots[upper].outs, slots[lower].outs))
    for (above, below), places in zip(pairs, sides, strict=True):
        ends = sorted(places[slot] for slot in below)
        count += sum(bisect_left(ends, places[slot]) for slot in above)
    return count


def _crossings(slots: Sequence[_Slot], layers: Sequence[Sequence[int]]) -> int:
    count = 0
    for here, there in pairwise(layers):
        place_of = {number: place for place, number in enumerate(there)}
        seen: list[int] = []
        for number in here:
            ends = sorted(place_of[out] for out in slots[number].outs)
            count += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _spread(slots: Sequence[_Slot], layers: Sequence[Sequence[int]], apart: float, sweeps: int) -> None:
    """Move the boxes of each layer towards the middle of their neighbours, as far as those above and below let them."""
    for layer in layers:
        at = 0.0
        for number in layer:
            slots[number].y = at + slots[number].height / 2
            at += slots[number].height + apart
    for sweep in range(2 * sweeps):
        forward = sweep % 2 == 0
        for layer in layers if forward else reversed(layers):
            wanted: list[float] = []
            weights: list[float] = []
            for number in layer:
                slot = slots[number]
                near = slot.ins if forward else slot.outs
                near = near or (slot.outs if forward else slot.ins)
                wanted.append(sum(slots[neighbour].y for neighbour in near) / len(near) if near else slot.y)
                weights.append((8.0 if slot.box is None else 1.0) if near else 0.1)
            _pack(slots, layer, wanted, weights, apart)


def _pack(
    slots: Sequence[_Slot], layer: Sequence[int], wanted: Sequence[float], weights: Sequence[float], apart: float
) -> None:
    """Keep the order and the distances, with the least squares of what is not as wanted (pool adjacent violators)."""
    offset = 0.0
    pools: list[tuple[float, float, int]] = []
    offsets: list[float] = []
    for place, number in enumerate(layer):
        if place:
            before = slots[layer[place - 1]]
            close = apart / 2 if before.box is None or slots[number].box is None else apart
            offset += (before.height + slots[number].height) / 2 + close
        offsets.append(offset)
        pool = (wanted[place] - offset, weights[place], 1)
        while pools and pools[-1][0] > pool[0]:
            value, weight, count = pools.pop()
            total = weight + pool[1]
            pool = ((value * weight + pool[0] * pool[1]) / total, total, count + pool[2])
        pools.append(pool)
    place = 0
    for value, _, count in pools:
        for _ in range(count):
            slots[layer[place]].y = value + offsets[place]
            place += 1
