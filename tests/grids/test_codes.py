"""Codes: what each stands for, what lies above it, which comes next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids import codes
from grids.codes import CodeError
from grids.levels import Level

CITY, DISTRICT, STREET, COMMUNITY = "341100000000", "341102000000", "341102001000", "341102001002"
GRID, BUILDING = "341102001002003", "341102001002003004"


@pytest.mark.parametrize(
    ("code", "level", "part", "parent"),
    [
        (CITY, Level.CITY, 3411, None),
        (DISTRICT, Level.DISTRICT, 2, CITY),
        (STREET, Level.STREET, 1, DISTRICT),
        (COMMUNITY, Level.COMMUNITY, 2, STREET),
        (GRID, Level.GRID, 3, COMMUNITY),
        (BUILDING, Level.BUILDING, 4, GRID),
        ("441900003000", Level.STREET, 3, "441900000000"),
        ("441900003010", Level.COMMUNITY, 10, "441900003000"),
        ("450881000000", Level.DISTRICT, 81, "450800000000"),
    ],
)
def test_a_code_says_its_level_and_what_lies_above(code: str, level: Level, part: int, parent: str | None):
    parsed = codes.parse(code)
    assert (parsed.level, parsed.part, parsed.parent) == (level, part, parent)
    assert codes.level_of(code) is level
    assert codes.parent_code(code) == parent


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3411",
        "34110200100a",
        "３４１１０２００１００２",
        " 341102001002",
        "341102001002\n",
        "3411020010020",
        "341102001002000",
        "341102001000001",
        "341102001002003000",
        "341102001002000001",
        "341102000001",
        "340000000000",
        "000000000000",
        "001100000000",
        "340001000000",
    ],
)
def test_what_is_no_code_is_refused(text: str):
    with pytest.raises(CodeError):
        codes.parse(text)


def test_provinces_are_told_by_their_zeros():
    assert codes.is_province("340000000000")
    assert not codes.is_province(CITY)
    assert not codes.is_province("000000000000")
    assert not codes.is_province("34")


@pytest.mark.parametrize(
    ("parent", "code", "level"),
    [
        (None, CITY, Level.CITY),
        (CITY, DISTRICT, Level.DISTRICT),
        ("441900000000", "441900003000", Level.STREET),
        (STREET, COMMUNITY, Level.COMMUNITY),
        (COMMUNITY, GRID, Level.GRID),
        (GRID, "341102001002009", Level.GRID),
        (GRID, BUILDING, Level.BUILDING),
    ],
)
def test_a_place_may_stand_where_its_code_says(parent: str | None, code: str, level: Level):
    assert codes.check_child(parent, code, level).text == code


@pytest.mark.parametrize(
    ("parent", "code", "level"),
    [
        (None, DISTRICT, Level.DISTRICT),
        (CITY, "341202000000", Level.DISTRICT),
        (CITY, STREET, Level.STREET),
        (CITY, CITY, Level.CITY),
        (STREET, GRID, Level.GRID),
        (COMMUNITY, BUILDING, Level.BUILDING),
        (GRID, "341102001003001", Level.GRID),
        (COMMUNITY, GRID, Level.BUILDING),
    ],
)
def test_a_place_may_not_stand_elsewhere(parent: str | None, code: str, level: Level):
    with pytest.raises(CodeError):
        codes.check_child(parent, code, level)


def test_next_codes():
    assert codes.next_code(CITY, []) == "341101000000"
    assert codes.next_code(DISTRICT, [STREET, "341102007000", "341103009000"]) == "341102008000"
    assert codes.next_code(COMMUNITY, [GRID, BUILDING, "341102001003009"]) == "341102001002004"
    assert codes.next_code(GRID, [BUILDING]) == "341102001002003005"
    # A small grid inside a large one counts within the community.
    assert codes.next_code(GRID, [GRID], level=Level.GRID) == "341102001002004"


def test_gaps_are_used_only_when_the_top_is_taken():
    taken = [f"{COMMUNITY}{number:03d}" for number in range(1, 1000) if number not in {7, 9}]
    assert codes.next_code(COMMUNITY, taken) == f"{COMMUNITY}007"
    with pytest.raises(CodeError):
        codes.next_code(COMMUNITY, [f"{COMMUNITY}{number:03d}" for number in range(1, 1000)])


def test_nothing_lies_below_a_building():
    with pytest.raises(CodeError):
        codes.next_code(BUILDING, [])


@pytest.mark.parametrize("part", [0, 1000, -1])
def test_a_part_must_fit(part: int):
    with pytest.raises(CodeError):
        codes.compose(COMMUNITY, Level.GRID, part)


parts = st.integers(1, 999)


@given(city=st.integers(1, 99), district=st.integers(1, 99), numbers=st.tuples(parts, parts, parts, parts))
def test_composing_is_the_inverse_of_parsing(city: int, district: int, numbers: tuple[int, ...]):
    code = f"34{city:02d}00000000"
    levels = [Level.DISTRICT, Level.STREET, Level.COMMUNITY, Level.GRID, Level.BUILDING]
    for level, part in zip(levels, [district, *numbers], strict=True):
        child = codes.compose(code, level, part)
        assert (codes.level_of(child), codes.parent_code(child), codes.parse(child).part) == (
            level,
            code,
            part,
        )
        code = child


@given(st.lists(parts, min_size=2, unique=True), st.sampled_from([STREET, COMMUNITY, GRID]))
def test_tree_steps_differ_and_sort_like_codes(numbers: list[int], parent: str):
    level = {STREET: Level.COMMUNITY, COMMUNITY: Level.GRID, GRID: Level.BUILDING}[parent]
    children = sorted(codes.compose(parent, level, number) for number in numbers)
    steps = [codes.tree_step(codes.parse(child)) for child in children]
    assert steps == sorted(set(steps))
    assert {len(step) for step in steps} == {4}
