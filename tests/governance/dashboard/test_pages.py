"""The pages as people open them: numbers, links, scope, bad input, and how many queries they take."""

from __future__ import annotations

import datetime as dt
import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import Case
from cases.workflow import State
from grids.levels import Level
from partymembers.models import Role, User
from tests.factories.catalogue import make_matter
from tests.factories.grids import City, make_city, make_place, square
from tests.factories.people import make_post, make_unit, make_user
from tests.governance.figures.histories import closed_order, order

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
OVERVIEW = reverse("dashboard:overview")
CASES = reverse("dashboard:cases")
EXPORT = reverse("dashboard:export")
PAST = {"period": "custom", "since": "2026-09-01", "until": "2026-09-30"}


@pytest.fixture
def city() -> City:
    return make_city()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def official(city: City) -> Client:
    return signed_in(make_user("市领导", role=Role.OFFICIAL, place=city.city))


def september(day: int) -> dt.datetime:
    return timezone.make_aware(dt.datetime(2026, 9, day, 9))


def fill(city: City, *, west: int = 3, east: int = 2) -> None:
    """Orders of September: in the west all on time, in the east all too late."""
    matter, unit = make_matter(name="暴露垃圾"), make_unit()
    Case.objects.bulk_create(
        [
            closed_order(city.west_1, matter, september(3), took=DAY, limit=2 * DAY, unit=unit)
            for _ in range(west)
        ]
        + [
            closed_order(city.east_1, matter, september(4), took=3 * DAY, limit=DAY, unit=unit)
            for _ in range(east)
        ]
    )


def numbers_of(page: str) -> list[str]:
    return re.findall(r"\b\d{6}-\d{6}\b|\bT\d{8}\b", page)


def test_the_official_sees_the_whole_city_and_each_number_opens_its_orders(
    city: City, official: Client
) -> None:
    fill(city)
    page = official.get(OVERVIEW, PAST)
    assert page.status_code == 200
    tiles = {tile.key: tile for tile in page.context["tiles"]}
    assert (tiles["reported"].number, tiles["resolution"].number, tiles["on_time"].number) == (
        "5",
        "100.00",
        "60.00",
    )
    doors = [door for tile in (*page.context["tiles"], *page.context["others"]) for door in tile.parts]
    doors += [door for row in page.context["rows"] for door in (row.reported, row.due, row.missed)]
    doors += [row.count for key in ("matters", "units", "channels") for row in page.context[key]]
    doors += [door for row in page.context["trend"]["table"] for door in row["doors"] if door.count]
    text = html.unescape(page.content.decode())
    assert len(doors) > 30
    for door in doors:
        listed = official.get(door.url)
        assert door.url in text, door
        assert listed.context["page"].total == door.count, door.url
        assert len(listed.context["page"].rows) == door.count


def test_going_down_one_level_a_click_reaches_the_order(city: City, official: Client) -> None:
    fill(city, west=1, east=0)
    url = OVERVIEW + "?period=custom&since=2026-09-01&until=2026-09-30"
    for name in ("琅琊区", "琅琊街道", "西涧社区", "西涧社区第1网格"):
        rows = {row.name: row for row in official.get(url).context["rows"]}
        url = rows[name].url
    grid = official.get(url)
    assert grid.context["title"] == "西涧社区第1网格治理总览"
    listed = official.get(grid.context["tiles"][0].url)
    assert reverse("cases:detail", args=[Case.objects.get().number]) in listed.content.decode()


def test_an_order_placed_no_further_down_is_a_row_whose_numbers_open_it(city: City, official: Client) -> None:
    Case.objects.bulk_create([order(city.street, make_matter(), september(5))])
    page = official.get(OVERVIEW, {**PAST, "place": city.street.code})
    rest = page.context["rows"][-1]
    assert (rest.place, rest.reported.count) == (None, 1)
    assert len(official.get(rest.reported.url).context["page"].rows) == 1


def test_owner_colleague_and_outsider(city: City) -> None:
    """A secretary sees their own community; the one next door, the street and another city do not exist."""
    fill(city)
    other = make_city("341200000000")
    owner = signed_in(make_user(role=Role.SECRETARY, place=city.west))
    colleague = signed_in(make_user(role=Role.SECRETARY, place=city.east))
    outsider = signed_in(make_user(role=Role.OFFICIAL, place=other.city))
    west = {**PAST, "place": city.west.code}
    assert owner.get(OVERVIEW, west).context["tiles"][0].number == "3"
    assert owner.get(OVERVIEW, PAST).context["territory"].place == city.west
    for client in (colleague, outsider):
        for name in ("overview", "late", "cases", "export"):
            url = reverse(f"dashboard:{name}")
            assert client.get(url, {**west, "part": "reported"}).status_code == 404, name
    assert owner.get(OVERVIEW, {**PAST, "place": city.street.code}).status_code == 404
    theirs = Case.objects.filter(community=city.east).values_list("number", flat=True)
    for name in ("overview", "late", "cases"):
        text = owner.get(reverse(f"dashboard:{name}"), {**PAST, "part": "reported"}).content.decode()
        assert not any(number in text for number in theirs)
    assert outsider.get(OVERVIEW, PAST).context["tiles"][0].number == "0"


def test_several_posts_are_switched_between(city: City) -> None:
    """The official's post comes first; each place opens its own page, and neither opens the other's."""
    user = make_user(role=Role.SECRETARY, place=city.west)
    make_post(user, role=Role.OFFICIAL, place=city.east)
    client = signed_in(user)
    page = client.get(OVERVIEW)
    assert page.context["territory"].place == city.east
    assert [place for place, _url in page.context["posts"]] == [city.west, city.east]
    for place, url in page.context["posts"]:
        other = client.get(url)
        assert other.context["territory"].line == (place,)
        assert url in page.content.decode()
    assert client.get(OVERVIEW, {"place": city.street.code}).status_code == 404


def test_the_english_page_says_the_same(city: City, official: Client) -> None:
    fill(city, west=40, east=35)
    official.cookies["django_language"] = "en"
    page = official.get(OVERVIEW, {**PAST, "place": city.street.code})
    assert page.context["title"] == "Governance of 琅琊街道"
    assert page.context["period_words"] == "September 1 to September 30"
    assert page.context["finding"].text == (
        "东门社区 closes 0.00% on time, 53.33 pts below 琅琊街道. 35 of 35 were not closed on time."
    )


def test_no_post_no_page(city: City) -> None:
    for user in (make_user("居民"), make_user(role=Role.AUDIT_OFFICER)):
        for name in ("overview", "late", "cases", "export"):
            assert signed_in(user).get(reverse(f"dashboard:{name}")).status_code == 404
    anonymous = Client().get(OVERVIEW)
    assert anonymous.status_code == 302
    assert reverse("login") in anonymous["Location"]


def test_a_building_and_an_unknown_place_are_not_found(city: City, official: Client) -> None:
    for code in (city.building.code, "341199000000", "1", "x" * 500, "'"):
        assert official.get(OVERVIEW, {"place": code}).status_code == 404
    assert official.get(OVERVIEW, {"place": "\x00"}).status_code == 400


def test_a_unit_reads_its_own_figures_without_a_place(city: City) -> None:
    fill(city)
    unit = Case.objects.first().unit
    head = signed_in(make_user(role=Role.UNIT_HEAD, unit=unit))
    page = head.get(OVERVIEW, PAST)
    assert page.context["tiles"][0].number == "5"
    assert "rows" not in page.context
    other = make_unit("路灯管理所")
    assert head.get(OVERVIEW, {**PAST, "unit": other.pk}).status_code == 404
    assert len(head.get(page.context["tiles"][0].url).context["page"].rows) == 5


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"period": "fortnight"}, "没有这个选项"),
        ({"period": "custom", "since": "2026-02-30"}, "请按 2026-11-20 的格式填写日期"),
        ({"period": "custom", "since": "2026-09-30", "until": "2026-09-01"}, "最后一天早于第一天"),
        ({"period": "custom", "since": "0001-01-01", "until": "2026-09-01"}, "2000 年至 2099 年"),
        ({"period": "custom", "since": "2001-01-01", "until": "2026-09-01"}, "最多选五年"),
        ({"period": "custom", "since": "2026-09-01T08:00", "until": "2026-09-01T07:00"}, "2026-11-20T08:00"),
        ({"metric": "beauty"}, "没有这个选项"),
        ({"channel": "pigeon"}, "没有这个选项"),
    ],
)
def test_a_word_that_means_nothing_says_so_and_shows_this_month(
    city: City, official: Client, query: dict[str, str], message: str
) -> None:
    page = official.get(OVERVIEW, query)
    assert page.status_code == 400
    assert message in page.content.decode()
    assert page.context["selection"].named == "month"
    for url in (CASES, EXPORT):
        assert official.get(url, {**query, "part": "due"}).status_code == 400


@pytest.mark.parametrize("query", [{"unit": "999999"}, {"unit": "-1"}, {"matter": "9" * 30}, {"matter": "x"}])
def test_an_unknown_unit_or_matter_is_not_found(official: Client, query: dict[str, str]) -> None:
    assert official.get(OVERVIEW, query).status_code == 404


def test_a_list_that_is_none_and_a_forged_cursor_are_refused(city: City, official: Client) -> None:
    assert official.get(CASES, {"part": "beautiful"}).status_code == 400
    assert official.get(CASES, {"part": "due", "cursor": "forged"}).status_code == 400
    assert official.get(EXPORT, {"format": "exe"}).status_code == 400


def test_a_long_list_turns_its_pages_without_gap_or_repeat(city: City, official: Client) -> None:
    fill(city, west=70, east=53)
    seen: list[int] = []
    query = {**PAST, "part": "due"}
    while True:
        page = official.get(CASES, query).context["page"]
        seen += [case.pk for case in page.rows]
        if not page.next_cursor:
            break
        query |= {"cursor": page.next_cursor}
    assert len(seen) == len(set(seen)) == 123


def test_the_finding_names_the_worst_and_opens_what_it_missed(city: City, official: Client) -> None:
    fill(city, west=40, east=35)
    page = official.get(OVERVIEW, {**PAST, "place": city.street.code})
    finding = page.context["finding"]
    assert finding.text == "东门社区按期结案率 0.00%，低于琅琊街道 53.33 点。应结案 35 件中 35 件未按期结案。"
    assert official.get(finding.door.url).context["page"].total == finding.door.count == 35
    worst = [row.name for row in page.context["rows"] if row.is_worst]
    assert worst == ["东门社区"]
    red_black = page.context["red_black"]
    assert [each.name for each in red_black.best] == ["西涧社区"]
    assert [(each.position, each.name) for each in red_black.worst] == [(2, "东门社区")]
    assert "2 个全部参评；每个应结案不少于 30 件。" in page.content.decode()


def test_a_small_sample_is_published_but_not_ranked(city: City, official: Client) -> None:
    fill(city, west=40, east=29)
    page = official.get(OVERVIEW, {**PAST, "place": city.street.code})
    assert page.context["finding"] is None
    red_black = page.context["red_black"]
    assert (red_black.ranked, red_black.unranked, red_black.worst) == (1, 1, [])
    assert "不足 30 件" in page.content.decode()


def test_late_orders_are_live(city: City, official: Client) -> None:
    now = timezone.now()
    Case.objects.bulk_create(
        [
            order(
                city.west_1,
                make_matter(name="道路塌陷"),
                now - DAY,
                state=State.HANDLING,
                next_due_at=now - DAY / 2,
            ),
            order(
                city.west_1, make_matter(name="路灯"), now - DAY, state=State.HANDLING, next_due_at=now + DAY
            ),
        ]
    )
    for headers in ({}, {"HX-Request": "true"}):
        text = official.get(reverse("dashboard:late"), headers=headers).content.decode()
        assert "道路塌陷" in text
        assert "路灯" not in text
        assert ("<html" in text, "stylesheet" in text) == ((False, False) if headers else (True, True))
    listed = official.get(CASES, {"part": "late"})
    assert [case.matter.name for case in listed.context["page"].rows] == ["道路塌陷"]


def test_a_part_for_htmx_is_no_whole_page(city: City, official: Client) -> None:
    for url, query in ((OVERVIEW, PAST), (CASES, {**PAST, "part": "due"})):
        part = official.get(url, query, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in part
        assert part.startswith("<title>")


def test_the_map_has_an_area_and_the_table_a_row_for_each_place_below(city: City, official: Client) -> None:
    fill(city)
    page = official.get(OVERVIEW, {**PAST, "place": city.street.code})
    assert [area.name for area in page.context["map"].areas] == ["东门社区", "西涧社区"]
    assert [row.name for row in page.context["rows"]] == ["东门社区", "西涧社区"]
    text = page.content.decode()
    assert text.count('class="c-area"') == 2
    assert "style=" not in text


def queries_of(client: Client, url: str, query: dict[str, str]) -> int:
    client.get(url, query)  # sessions and calendars are warm
    with CaptureQueriesContext(connection) as found:
        assert client.get(url, query).status_code == 200
    return len(found)


def test_as_many_queries_for_thirty_as_for_one(city: City) -> None:
    """The dashboard takes at most twelve, with whatever stands around every page."""
    official = signed_in(make_user(role=Role.OFFICIAL, place=city.street))
    counts: dict[str, list[int]] = {OVERVIEW: [], CASES: []}
    for size in (1, 30):
        for number in range(size):
            community = make_place(
                city.street,
                Level.COMMUNITY,
                f"社区{size}-{number}",
                boundary=square(118.4 + number / 50, 32.3 + size / 500),
            )
            matter, unit = make_matter(name=f"事项{size}-{number}"), make_unit(f"单位{size}-{number}")
            Case.objects.bulk_create(
                [
                    closed_order(community, matter, september(3), took=DAY, limit=2 * DAY, unit=unit),
                    order(
                        community,
                        matter,
                        september(3),
                        state=State.HANDLING,
                        unit=unit,
                        next_due_at=september(4),
                    ),
                ]
            )
        for url, found in counts.items():
            found.append(queries_of(official, url, {**PAST, "part": "due", "rows": "all"}))
    assert counts[OVERVIEW][0] == counts[OVERVIEW][1] <= 12
    assert counts[CASES][0] == counts[CASES][1] <= 12
