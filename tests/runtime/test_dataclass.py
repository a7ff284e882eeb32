"""`saltern_runtime.dataclass` makes what the standard library's decorator makes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, replace
from typing import Any

import pytest

from saltern_runtime.dataclass import dataclass

DECORATORS = {"ours": dataclass, "original": dataclasses.dataclass}
each_decorator = pytest.mark.parametrize("decorator", DECORATORS.values(), ids=DECORATORS)


@dataclass(frozen=True, slots=True)
class Kept:
    """Lies in the module, so that it can be pickled."""

    name: str
    size: int = 0


def make(decorator: Any, **options: bool) -> Any:
    @decorator(**options)
    class Thing:
        name: str
        size: int = 3
        tags: list[str] = field(default_factory=list)
        note: str = field(default="", compare=False, repr=False)
        known: int | None = field(default=None, init=False, repr=False, compare=False)
        twice: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "twice", self.size * 2)

    return Thing


def outcome(attempt: Callable[[Any], object], of: Any) -> object:
    """Return what it gives, or the kind of error."""
    try:
        return attempt(of)
    except (TypeError, AttributeError) as error:
        return type(error)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("slots", [True, False])
def test_objects_are_made_compared_shown_and_changed_as_the_originals_are(frozen, slots):
    """Parameters, defaults, factories, what is set later, `==`, `repr`, assignment, deletion and copies: all as the standard library has them.

    Each is tried with a class that has made nothing, and with one that has made many.
    """
    attempts: list[Callable[[Any], object]] = [
        lambda of: repr(of("a")).rpartition("<locals>.")[2],
        lambda of: repr(of("a", 1, tags=["x"], note="n")).rpartition("<locals>.")[2],
        lambda of: of(),
        lambda of: of("a", known=1),
        lambda of: of("a", 1, [], "n", 5),
        lambda of: of("a") == of("a", note="other"),
        lambda of: of("a") == of("a", 4),
        lambda of: of("a") == ("a", 3, [], 6),
        lambda of: of("a").tags is of("a").tags,
        lambda of: (of("a").known, of("a").twice),
        lambda of: replace(of("a"), size=5).twice,
        lambda of: setattr(of("a"), "name", "b"),
        lambda of: delattr(of("a"), "name"),
        lambda of: copy.copy(of("a", 7)).size,
        lambda of: copy.deepcopy(of("a", 7)) == of("a", 7),
        lambda of: dataclasses.asdict(of("a")),
        lambda of: of.__match_args__,
        lambda of: hash(of("a")),
        lambda of: of.__init__.__qualname__.rpartition(".")[2],
    ]

    def outcomes(decorator: Any) -> list[object]:
        of = make(decorator, frozen=frozen, slots=slots)
        anew = [outcome(attempt, make(decorator, frozen=frozen, slots=slots)) for attempt in attempts[:-1]]
        return [*anew, *(outcome(attempt, of) for attempt in attempts)]

    assert outcomes(dataclass) == outcomes(dataclasses.dataclass)


@each_decorator
def test_what_is_frozen_has_the_hash_of_its_compared_fields(decorator):
    """Equal ones are found in sets; `eq=False` leaves identity; what can be changed has no hash."""

    @decorator(frozen=True, slots=True)
    class Pair:
        one: int
        other: int = field(default=0, compare=False)

    @decorator(frozen=True, slots=True, eq=False)
    class Itself:
        one: int

    @decorator(slots=True)
    class Changing:
        one: int

    assert hash(Pair(1)) == hash(Pair(1, 5)) == hash((1,))
    assert len({Pair(1), Pair(1, 5)}) == 1
    assert Itself(1) != Itself(1)
    assert len({Itself(1), Itself(1)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Changing(1))


@each_decorator
def test_methods_that_a_class_has_are_its_own(decorator):
    """What is written in the class is kept: its `repr`, its hash, its comparison."""

    @decorator(frozen=True, slots=True)
    class Own:
        one: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    assert Own(1) == Own(2)
    assert (hash(Own(1)), repr(Own(1))) == (7, "own")


@each_decorator
def test_a_class_that_inherits_has_the_fields_of_both(decorator):
    """Fields come in their order, and a later default wins."""

    @decorator(frozen=True, slots=True)
    class Base:
        name: str = "base"
        size: int = 1

    @decorator(frozen=True, slots=True)
    class Derived(Base):
        name: str = "derived"
        more: int = 2

    assert repr(Derived(more=5)).endswith("Derived(name='derived', size=1, more=5)")
    assert Base() != Derived("base")


def test_a_plain_class_on_top_of_a_frozen_one_has_attributes_of_its_own():
    """But no field of it can be changed. The original fails here where there are slots."""

    class Plain(Kept):
        extra: int

    thing = Plain("a")
    thing.extra = 1
    assert (thing.name, thing.extra) == ("a", 1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        thing.name = "x"
    del thing.extra
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del thing.name


@each_decorator
def test_keyword_only_and_order(decorator):
    """`kw_only` takes no positions; `order` compares as tuples do, and only with its own kind."""

    @decorator(frozen=True, slots=True, kw_only=True)
    class Named:
        one: int
        two: int = 2

    @decorator(frozen=True, slots=True, order=True)
    class Ordered:
        one: int
        two: str = ""

    assert Named(one=1).two == 2
    with pytest.raises(TypeError, match="positional"):
        Named(1)
    assert sorted([Ordered(2), Ordered(1, "b"), Ordered(1, "a")]) == [Ordered(1, "a"), Ordered(1, "b"), Ordered(2)]
    assert [Ordered(1) <= Ordered(1), Ordered(1) < Ordered(1), Ordered(2) > Ordered(1)] == [True, False, True]
    with pytest.raises(TypeError, match="not supported"):
        assert Ordered(1) < (2, "")


def test_what_is_frozen_with_slots_can_be_pickled():
    """It comes back equal."""
    assert pickle.loads(pickle.dumps(Kept("a", 2))) == Kept("a", 2)


def test_what_shows_itself_within_itself_comes_to_an_end():
    """A circle is shown as three dots."""

    @dataclass(slots=True)
    class Round:
        of: object = None

    one = Round()
    one.of = one
    assert repr(one).endswith("Round(of=...)")


def test_nothing_is_compiled_for_a_few_objects():
    """The fourth puts a compiled `__init__` in place of the one that sets fields one by one."""
    made = make(dataclass, frozen=True, slots=True)
    waits = made.__init__
    few = [made("a"), made(name="a", size=3), made("a", tags=[])]
    assert made.__init__ is waits
    few.append(made("a"))
    assert made.__init__ is not waits
    assert all(each == few[0] for each in few)


@each_decorator
def test_a_class_that_sets_attributes_its_own_way_does_so_from_the_first_object_on(decorator):
    """Its `__setattr__` hears of each field of each object."""

    @decorator
    class Doubling:
        one: int

        def __setattr__(self, name: str, value: int) -> None:
            object.__setattr__(self, name, value * 2)

    assert [Doubling(1).one for _ in range(6)] == [2] * 6


@each_decorator
def test_what_is_put_around_an_init_stays(decorator, monkeypatch):
    """However many objects are made by then."""

    @decorator(frozen=True)
    class Thing:
        one: int

    heard = []
    init = Thing.__init__

    def around(self: Any, one: int) -> None:
        heard.append(one)
        init(self, one)

    monkeypatch.setattr(Thing, "__init__", around)
    assert [Thing(number).one for number in range(6)] == heard == [*range(6)]


@pytest.mark.parametrize("made_before", [0, 5])
@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        ((), {}, "missing 1 required positional argument: 'one'"),
        ((1, 2, 3), {}, "takes from 2 to 3 positional arguments but 4 were given"),
        ((1,), {"one": 1}, "got multiple values for argument 'one'"),
        ((1,), {"more": 1}, "got an unexpected keyword argument 'more'"),
    ],
)
@each_decorator
def test_arguments_that_do_not_fit_are_refused(decorator, made_before, args, kwargs, words):
    """Too few, too many, twice, or of another name: whether few or many have been made, with the words of Python."""

    @decorator(frozen=True, slots=True)
    class Two:
        one: int
        other: int = 2
        named: int = field(default=3, kw_only=True)

    for _ in range(made_before):
        Two(1)
    with pytest.raises(TypeError, match=words):
        Two(*args, **kwargs)
    assert Two(1, named=5).named == 5
