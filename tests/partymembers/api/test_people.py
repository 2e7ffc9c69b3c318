"""Members, check-ins and points over the API: personal data, by desk and committee, masked and audited."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from grids.models import Place
from partymembers.actions.points import award_points, correct_points
from partymembers.defaults import seed_defaults
from partymembers.models import AuditEntry, Branch, BranchLevel, CheckIn, Member, User
from tests.factories.grids import City, make_city
from tests.factories.keys import Caller, session
from tests.factories.party import make_branch, make_branch_post, make_member, make_volunteer
from tests.factories.people import make_unit, make_user

pytestmark = pytest.mark.django_db
MEMBERS, CHECK_INS = "/api/v1/members/", "/api/v1/check-ins/"
POINTS, ENTRIES = "/api/v1/points/", "/api/v1/points/entries/"
ADDRESSES = (MEMBERS, CHECK_INS, POINTS, ENTRIES)
#: Of 2026-11-20: who settled then is checked in late, nearly late, or has time.
SETTLED = {"overdue": dt.date(2026, 10, 19), "nearly_due": dt.date(2026, 10, 20), "due": dt.date(2026, 11, 1)}


class Town:
    """A committee in each community, members of every standing around west, and one member in east."""

    def __init__(self) -> None:
        seed_defaults()
        self.city: City = make_city()
        city_branch = make_branch(name="市委", level=BranchLevel.CITY, place=self.city.city)
        self.home = make_branch(city_branch, "养护所支部", unit=make_unit())
        self.west, self.east = (
            make_branch(city_branch, f"{place.name}党委", level=BranchLevel.COMMUNITY, place=place)
            for place in self.city.communities
        )
        self._people()

    def _people(self) -> None:
        at = timezone.now()
        self.here = self._member("W1", "欧阳建国", checkin=self.west, checked_in_at=at)
        self.waiting = self._member("W2", "钱二", settled_on=SETTLED["overdue"])
        for number, (standing, day) in enumerate(SETTLED.items(), start=3):
            setattr(
                self, standing, self._member(f"W{number}", "孙三", lives_at=self.city.west_1, settled_on=day)
            )
        self._member("W6", "李四", checkin=self.west, left_on=dt.date(2026, 11, 1))
        self.there = self._member("E1", "周五", checkin=self.east, lives_at=self.city.west)
        for member, branch, state in (
            (self.here, self.west, CheckIn.State.ACCEPTED),
            (self.waiting, self.west, CheckIn.State.ASKED),
            (self.there, self.east, CheckIn.State.ACCEPTED),
            (self.here, self.east, CheckIn.State.ENDED),
        ):
            CheckIn.objects.create(member=member, branch=branch, state=state, asked_at=at, offer="修电器")
        for member, place in ((self.here, self.city.west), (self.here, None), (self.there, self.city.east)):
            self.award(member.user, place)

    def _member(self, code: str, name: str, **fields: Any) -> Member:
        return make_member(home=self.home, user=make_user(name, username=code), **fields)

    def award(self, user: User, place: Place | None, **more: Any) -> Any:
        number = len(user.points_transactions.all())
        return award_points(
            user=user, rule_code="check_in", source="test", source_id=number, what="双报到",
            at=timezone.now() + dt.timedelta(seconds=number), place=place, **more,
        )  # fmt: skip


@pytest.fixture
def town(db: None) -> Town:
    return Town()


@pytest.fixture
def west(town: Town) -> Caller:
    """A system that acts for the desk of west, without the right to read names."""
    return Caller("members:read", "points:read", place=town.city.west)


def rows(caller: APIClient, address: str, **query: Any) -> list[dict[str, Any]]:
    answer = caller.get(address, query)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def codes(caller: APIClient, **query: Any) -> list[str]:
    return [row["code"] for row in rows(caller, MEMBERS, **query)]


def branch_told(branch: Branch) -> dict[str, Any]:
    return {"code": branch.code, "name": branch.name, "place": branch.place and branch.place.code}


class TestMembers:
    def test_a_member_has_both_branches_and_a_masked_name(self, town, west):
        told = west.get(f"{MEMBERS}W1/").json()

        assert told.pop("checked_in_at").endswith("+08:00")
        assert told == {
            "code": "W1",
            "name": "欧阳某某",
            "status": "full",
            "home_branch": branch_told(town.home),
            "check_in_branch": branch_told(town.west),
            "standing": "checked_in",
            "settled_on": "2025-01-01",
            "due_on": "2025-02-01",
            "left_on": None,
        }

    def test_each_standing_is_found_and_is_what_the_row_says(self, west):
        found = {
            standing: codes(west, standing=standing)
            for standing in ("checked_in", "waiting", "overdue", "nearly_due", "due", "left")
        }

        assert found == {
            "checked_in": ["W1"],
            "waiting": ["W2"],
            "overdue": ["W3"],
            "nearly_due": ["W4"],
            "due": ["W5"],
            "left": ["W6"],
        }
        for row in rows(west, MEMBERS, left="true"):
            assert row["code"] in found[row["standing"]]

    def test_filters_narrow_the_list(self, town, west):
        assert codes(west) == ["W1", "W2", "W3", "W4", "W5"]
        assert codes(west, branch=town.west.code) == ["W1"]
        assert codes(west, q="w1") == ["W1"]
        for url in (MEMBERS, CHECK_INS, f"{MEMBERS}W1/check-ins/"):
            refused = west.get(url, {"branch": "unknown"})
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "branch")

    def test_a_masked_name_cannot_be_searched_for(self, town, west):
        reader = Caller("members:read", "personal:read", account=west.account)

        assert codes(west, q="欧阳") == []
        assert codes(reader, q="欧阳") == ["W1"]


class TestCheckIns:
    def test_a_request_has_its_member_branch_and_answer(self, town, west):
        waiting, accepted = rows(west, CHECK_INS)

        assert waiting.pop("asked_at")
        assert waiting == {
            "member": {"code": "W2", "name": "钱某某"},
            "branch": branch_told(town.west),
            "state": "asked",
            "decided_at": None,
            "ended_at": None,
        }
        assert rows(west, CHECK_INS, state="accepted", branch=town.west.code) == [accepted]
        assert rows(west, f"{MEMBERS}W1/check-ins/") == [accepted]
        assert rows(west, f"{MEMBERS}W3/check-ins/") == []


class TestPoints:
    def test_balances_and_what_made_them(self, town, west):
        award = town.here.user.points_transactions.earliest("pk")
        correct_points(transaction_id=award.pk, reason="登记错误", at=timezone.now())

        (balance,) = rows(west, POINTS)
        correction, nowhere, first = rows(west, ENTRIES)

        holder = {"code": "W1", "name": "欧阳某某"}
        assert balance == {"holder": holder, "balance": nowhere["points"]}
        assert first.pop("at").endswith("+08:00")
        assert first == {
            "day": "2026-11-20",
            "kind": "award",
            "points": -correction["points"],
            "what": "双报到",
            "rule": "check_in",
            "place": town.city.west.code,
            "holder": holder,
        }
        assert (correction["kind"], correction["what"]) == ("correction", "登记错误")
        assert rows(west, POINTS, holder="W1") == [balance]
        assert rows(west, ENTRIES, holder="W1", kind="correction") == [correction]
        town._member("W7", "郑六", checkin=town.west)
        assert rows(west, POINTS, holder="W7") == []
        assert len(rows(west, ENTRIES, **{"from": "2026-11-20", "to": "2026-11-20"})) == 3
        assert rows(west, ENTRIES, **{"from": "2026-11-21"}) == rows(west, ENTRIES, to="2026-11-19") == []
        for wrong in ("2026-02-30", "today", ""):
            refused = west.get(ENTRIES, {"from": wrong})
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "from")

    def test_a_volunteer_is_at_home_where_they_volunteer(self, town, west):
        make_volunteer(user=town.here.user, community=town.city.east)
        east = Caller("points:read", place=town.city.east)

        assert rows(west, POINTS) == []
        assert [row["holder"]["code"] for row in rows(east, POINTS)] == ["W1", "E1"]
        assert [row["place"] for row in rows(west, ENTRIES)] == [town.city.west.code]
        assert rows(west, POINTS, holder="W1") == rows(east, ENTRIES, holder="E1", kind="redemption") == []


class TestScope:
    """East's people exist for nobody who keeps only west."""

    def test_east_is_nowhere(self, town, west):
        assert codes(west, q="E1") == codes(west, branch=town.east.code) == []
        assert west.get(MEMBERS, {"total": "true"}).json()["total"] == 5
        assert west.get(f"{MEMBERS}E1/").status_code == 404
        assert west.get(f"{MEMBERS}E1/check-ins/").status_code == 404
        assert rows(west, CHECK_INS, branch=town.east.code) == rows(west, CHECK_INS, state="ended") == []
        for address in (POINTS, ENTRIES):
            (known,), (unknown,) = (
                west.get(address, {"holder": code}).json()["errors"] for code in ("E1", "E0")
            )
            assert known["field"] == "holder"
            assert known == {**unknown, "detail": unknown["detail"].replace("E0", "E1")}
        for address in ADDRESSES:
            assert '"E1"' not in west.get(address, {"total": "true", "left": "true"}).content.decode()
        whole = Caller("members:read", place=town.city.city)
        assert "E1" in codes(whole)

    def test_who_only_reads_or_acts_for_a_unit_learns_of_nobody(self, town):
        reader = Caller(place=town.city.west, duty="reader")
        unit = Caller(unit=town.home.unit)
        worker = session(make_user(role="grid_worker", place=town.city.west))

        for caller in (reader, unit, worker):
            assert [rows(caller, address) for address in ADDRESSES] == [[], [], [], []]
            assert caller.get(f"{MEMBERS}W1/").status_code == 404

    def test_people_see_what_their_pages_show(self, town):
        secretary = make_user("秦书记")
        make_branch_post(secretary, town.west)

        led, own = session(secretary), session(town.there.user)
        assert codes(led) == ["W1", "W2", "W3", "W4", "W5"]
        assert {row["name"] for row in rows(led, MEMBERS)} == {"欧阳建国", "钱二", "孙三"}
        assert len(rows(led, CHECK_INS)) == 2
        assert codes(own) == ["E1"]
        assert [len(rows(own, address)) for address in (CHECK_INS, POINTS, ENTRIES)] == [1, 1, 1]
        assert not AuditEntry.objects.filter(action="personal_data_opened").exists()

    def test_a_key_needs_the_scope_of_each(self, town):
        members = Caller("members:read", place=town.city.west)
        points = Caller("points:read", place=town.city.west)

        assert [members.get(address).status_code for address in ADDRESSES] == [200, 200, 403, 403]
        assert [points.get(address).status_code for address in ADDRESSES] == [403, 403, 200, 200]


class TestNames:
    def test_names_in_full_are_audited_person_by_person(self, town, west):
        reader = Caller(account=west.account)
        for address in (MEMBERS, f"{MEMBERS}W1/", CHECK_INS, POINTS, ENTRIES):
            before = set(AuditEntry.objects.values_list("pk", flat=True))
            body = reader.get(address).content.decode()
            opened = AuditEntry.objects.exclude(pk__in=before)
            assert "欧阳建国" in body
            assert opened.filter(action="personal_data_opened", target="user:W1").count() == 1
            assert {entry.actor for entry in opened} == {west.user}
            assert "欧阳" not in west.get(address).content.decode().replace("欧阳某某", "")

    def test_a_sandbox_finds_nobody(self, town):
        sandbox = Caller(place=town.city.west, is_sandbox=True)
        for address in ADDRESSES:
            assert sandbox.get(address).json().get("results", []) == []
            assert "欧阳" not in sandbox.get(address).content.decode()
        assert codes(sandbox, q="欧阳") == []

    def test_names_that_nobody_asked_for_are_not_audited(self, town, west):
        reader = Caller(account=west.account)
        before = AuditEntry.objects.count()

        assert set(rows(reader, MEMBERS, fields="code,standing")[0]) == {"code", "standing"}
        assert rows(reader, POINTS, fields="balance")
        assert AuditEntry.objects.count() == before


def test_a_list_asks_as_much_for_three_as_for_one(town):
    """A key that reads names in full: with the entries of the audit trail."""
    for number in range(7, 10):
        member = town._member(f"W{number}", "郑六", checkin=town.west)
        CheckIn.objects.create(
            member=member, branch=town.west, state=CheckIn.State.ACCEPTED, asked_at=timezone.now()
        )
        town.award(member.user, town.city.west)
    caller = Caller(place=town.city.west)
    caller.get(MEMBERS)
    for address in ADDRESSES:
        for limit in (1, 3):
            with CaptureQueriesContext(connection) as asked:
                assert len(rows(caller, address, limit=limit)) == limit
            assert len(asked) == 4, address
