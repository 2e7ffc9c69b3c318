"""The Party's figures as people open them: scope, names, languages, links, and how many queries they take."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models import Case
from partymembers.models import Branch, Member, Role, User
from tests.factories.party import make_branch, make_branch_post, make_member
from tests.factories.people import make_unit, make_user
from tests.governance.figures.party_city import PartyCity

pytestmark = pytest.mark.django_db

PAGE, ROWS, EXPORT = (reverse(f"dashboard:{name}") for name in ("party", "party_rows", "party_export"))
QUARTER = {"period": "quarter"}
#: What one page asks at most, with whatever stands around every page.
MOST = 14


@pytest.fixture
def world() -> PartyCity:
    return PartyCity(seed=1, wishes=40, services=30, awards=20)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def numbers(page: str) -> dict[str, str]:
    """Every link to a list on the page, with the text that it stands under."""
    found = re.findall(rf'<a[^>]*href="({ROWS}[^"]+)"[^>]*>(.*?)</a>', page)
    return {html.unescape(url): re.sub(r"<[^>]+>", "", text).strip() for url, text in found}


def test_every_number_opens_a_list_of_as_many(world: PartyCity) -> None:
    """Tiles, steps and tables: a count is the list's length, hours and points are its sum."""
    for user in (world.official, world.secretary, world.head):
        client = signed_in(user)
        page = client.get(PAGE, {**QUARTER, "rows": "all"})
        links = numbers(page.content.decode())
        assert len(links) > 10
        checked = 0
        for url, text in links.items():
            if not re.fullmatch(r"[\d,]+", text) or "part=services" in url or "part=entries" in url:
                continue
            assert client.get(url).context["page"].total == int(text.replace(",", "")), url
            checked += 1
        assert checked > 10


def test_hours_and_points_are_the_sum_of_their_lists(world: PartyCity) -> None:
    client = signed_in(world.official)
    tiles = {tile.key: tile for tile in client.get(PAGE, QUARTER).context["tiles"]}
    for key, per in (("hours", 60), ("points", 1)):
        lines = client.get(tiles[key].url).context["lines"]
        total = sum(line[-1][0].value for line in lines) / per
        assert tiles[key].number == f"{total:,.1f}".removesuffix(".0")


def test_each_answers_for_their_own_and_nobody_learns_of_another(world: PartyCity) -> None:
    """Owner, a colleague next door and an outsider, for a place, a branch and a unit."""
    city, other = world.city, make_unit("别处")
    colleague = make_user("东门书记", role=Role.SECRETARY, place=city.east)
    east = make_user("东门支书")
    make_branch_post(east, world.east)
    head = make_user("别处所长", role=Role.UNIT_HEAD, unit=other)
    west = make_user("西涧书记", role=Role.SECRETARY, place=city.west)
    worker = make_user("网格员", role=Role.GRID_WORKER, place=city.west)
    outsider = make_user("路人")
    cases = [
        ({"place": city.west.code}, west, colleague),
        ({"branch": world.west.pk}, world.secretary, east),
        ({"unit": world.units[0].pk}, world.head, head),
    ]
    for query, owner, neighbour in cases:
        for url in (PAGE, ROWS, EXPORT):
            asked = {**QUARTER, **query, "part": "members_due"}
            assert signed_in(owner).get(url, asked).status_code == 200
            for stranger in (neighbour, worker, outsider):
                assert signed_in(stranger).get(url, asked).status_code == 404
    for nobody in (worker, outsider):
        assert signed_in(nobody).get(PAGE).status_code == 404
    assert Client().get(PAGE).status_code == 302


def test_a_branch_leads_downwards_only(world: PartyCity) -> None:
    client = signed_in(world.secretary)
    assert client.get(PAGE, {"branch": world.grid.pk}).status_code == 200
    assert client.get(PAGE, {"branch": world.top.pk}).status_code == 404


def test_names_are_masked_for_who_does_not_lead_them(world: PartyCity) -> None:
    member = Member.objects.filter(checkin_branch=world.west, left_on=None).first()
    user = member.user if member else make_member(home=world.homes[0], checkin=world.west).user
    user.name = "欧阳明远"
    user.save()
    Member.objects.filter(user=user).update(settled_on="2026-01-01")
    asked = {**QUARTER, "part": "members_due"}
    for reader, is_known in ((world.secretary, True), (world.official, False)):
        listed = signed_in(reader).get(ROWS, asked).content.decode()
        file = signed_in(reader).get(EXPORT, {**asked, "format": "csv"}).getvalue().decode()
        for text in (listed, file):
            assert ("欧阳明远" in text) is is_known
            assert "欧阳" in text


def test_a_list_of_wishes_never_names_the_asker(world: PartyCity) -> None:
    Case.objects.update(
        reporter_name="李秀英", reporter_phone="13812345678", description="我是李秀英", address="1幢501"
    )
    for reader in (world.official, world.secretary):
        for part in ("wishes_asked", "wishes_closed"):
            text = signed_in(reader).get(ROWS, {**QUARTER, "part": part}).content.decode()
            assert not [word for word in ("李秀英", "13812345678", "1幢501") if word in text]


def test_what_is_wrong_in_the_address_is_said(world: PartyCity) -> None:
    client = signed_in(world.official)
    assert client.get(PAGE, {"since": "yesterday"}).status_code == 400
    assert client.get(ROWS, {"part": "nothing"}).status_code == 400
    assert client.get(PAGE, {"branch": "x"}).status_code == 404
    assert client.get(PAGE, {"unit": "999999"}).status_code == 404


def test_nothing_to_count_is_no_error(world: PartyCity) -> None:
    page = signed_in(world.official).get(PAGE, {"since": "2020-01-01", "until": "2020-01-31"})
    assert page.status_code == 200
    tiles = {tile.key: tile.number for tile in page.context["tiles"]}
    assert (tiles["wish_satisfaction"], tiles["check_in"], tiles["hours"]) == ("—", "—", "0")
    listed = signed_in(world.official).get(
        ROWS, {"since": "2020-01-01", "until": "2020-01-31", "part": "services"}
    )
    assert "这里没有计入的记录" in listed.content.decode()


def test_both_languages(world: PartyCity) -> None:
    client = signed_in(world.official)
    assert "党建总览" in client.get(PAGE, QUARTER).content.decode()
    text = client.get(PAGE, QUARTER, headers={"accept-language": "en"}).content.decode()
    assert "Party building of" in text
    assert "Checked in of those due" in text


def test_files_hold_what_the_page_says(world: PartyCity) -> None:
    client = signed_in(world.official)
    file = client.get(EXPORT, {**QUARTER, "place": world.city.street.code, "format": "csv"})
    assert "东门社区" in file.getvalue().decode()
    assert client.get(EXPORT, {**QUARTER, "format": "xlsx"}).status_code == 200
    assert client.get(EXPORT, {**QUARTER, "format": "pdf"}).status_code == 400


def queries_of(client: Client, url: str, query: dict[str, str]) -> int:
    client.get(url, query)
    with CaptureQueriesContext(connection) as found:
        assert client.get(url, query).status_code == 200
    return len(found)


def test_as_many_queries_for_many_as_for_few(world: PartyCity) -> None:
    client, asked = signed_in(world.official), {**QUARTER, "rows": "all"}
    parts = ("members_due", "wishes_asked", "services", "entries")
    few = [queries_of(client, PAGE, asked)]
    few += [queries_of(client, ROWS, {**QUARTER, "part": part}) for part in parts]
    more_branches(world, 25)
    world.add_wishes(25)
    world.add_services(25)
    world.add_points(25)
    many = [queries_of(client, PAGE, asked)]
    many += [queries_of(client, ROWS, {**QUARTER, "part": part}) for part in parts]
    assert few == many
    assert max(many) <= MOST


def more_branches(world: PartyCity, size: int) -> None:
    """As many branches with a unit and a member of their own."""
    top = Branch.objects.get(pk=world.top.pk)
    for number in range(size):
        branch = make_branch(top, f"支部{number}", unit=make_unit(f"单位{number}"))
        make_member(home=branch, checkin=world.west, lives_at=world.city.west)
