from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import (
    CalendarDay,
    IntakeMapping,
    IntakePayload,
    LadderRung,
    Matter,
    MatterClass,
    OutboundMessage,
    OwnerRole,
    QuarantinedClock,
    Responsibility,
    StagePolicy,
    Standard,
    StuckEvent,
    WorkHours,
)
from partymembers.models import AuditEntry, Role
from tests.factories.catalogue import make_matter, make_responsibility, make_standard
from tests.factories.grids import make_city
from tests.factories.people import make_unit, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("an_empty_catalogue")]
CONFIGURED = {
    CalendarDay,
    LadderRung,
    Matter,
    MatterClass,
    OwnerRole,
    Responsibility,
    StagePolicy,
    Standard,
    WorkHours,
}
NAMES = sorted(str(model._meta.model_name) for model in CONFIGURED)


def signed_in(*, role: Role | None = None, **fields) -> Client:
    client = Client()
    client.force_login(make_user("韩系统", role=role, **fields))
    return client


@pytest.fixture
def officer():
    return signed_in(role=Role.SYSTEM_OFFICER)


@pytest.fixture
def city():
    return make_city()


def url(name: str, page: str = "changelist", *args) -> str:
    return reverse(f"admin:cases_{name}_{page}", args=args)


def told(answer) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def standard_form(matter, **fields) -> dict:
    facts = {
        "matter": matter.pk,
        "condition": "破损",
        "close_condition": "修复",
        "amount": "1",
        "timer_type": "work_day",
        "urgency": "normal",
        "owner_role": "",
        "owners": "",
        "begins_0": "",
        "begins_1": "",
    }
    return facts | fields


def test_only_configuration_is_registered():
    registered = {model for model in admin.site._registry if model._meta.app_label == "cases"}
    taken_in = {IntakeMapping, IntakePayload}  # `test_intake`
    assert registered == CONFIGURED | taken_in | {OutboundMessage, QuarantinedClock, StuckEvent}


class TestWho:
    @pytest.mark.parametrize("name", NAMES)
    def test_the_system_officer_opens_every_page(self, officer, name, city):
        matter = make_matter(unit=make_unit(), place=city.west)
        make_standard(matter)
        OwnerRole.objects.create(name="各产权单位")
        WorkHours.objects.create(starts="08:00", ends="12:00")
        CalendarDay.objects.get_or_create(date=date(2026, 10, 1), defaults={"is_workday": False})
        model = next(model for model in CONFIGURED if model._meta.model_name == name)
        assert officer.get(url(name)).status_code == 200
        assert officer.get(url(name), {"q": "路灯"}).status_code == 200
        assert officer.get(url(name, "add")).status_code == 200
        assert officer.get(url(name, "change", model.objects.first().pk)).status_code == 200

    @pytest.mark.parametrize("name", NAMES)
    def test_people_of_business_find_nothing(self, name, city):
        desk = signed_in(role=Role.DESK, place=city.city)
        assert desk.get(url(name)).status_code == 404
        assert desk.get(url(name, "add")).status_code == 404
        assert Client().get(url(name)).status_code == 302

    @pytest.mark.parametrize("role", [Role.SECURITY_OFFICER, Role.AUDIT_OFFICER])
    def test_the_other_officers_look_and_change_nothing(self, role):
        other = signed_in(role=role)
        policy = StagePolicy.objects.first()
        assert other.get(url("stagepolicy")).status_code == 200
        assert other.get(url("stagepolicy", "add")).status_code == 403
        posted = other.post(url("stagepolicy", "change", policy.pk), {"minutes": "1"})
        assert posted.status_code == 403
        assert StagePolicy.objects.get(pk=policy.pk).minutes == policy.minutes

    @pytest.mark.parametrize("rows", [1, 12])
    @pytest.mark.parametrize("name", ["matter", "standard", "responsibility", "ownerrole"])
    def test_lists_do_not_ask_once_a_row(self, officer, name, rows, city, django_assert_max_num_queries):
        unit = make_unit()
        for number in range(rows):
            matter = make_matter()
            role = OwnerRole.objects.create(name=f"产权单位{number}")
            matter.standards.update(owner_role=role)
            make_responsibility(unit, city.west, matter=matter)
            make_responsibility(unit, city.east, owner_role=role)
        officer.get(url(name))
        with django_assert_max_num_queries(14):
            officer.get(url(name))


class TestMatters:
    def test_a_matter_is_added_and_found_in_the_trail(self, officer):
        make_matter()
        facts = {
            "matter_class": MatterClass.objects.get().pk,
            "code": "19",
            "name": "路灯",
            "keywords": "灯不亮",
            "standards-TOTAL_FORMS": "0",
            "standards-INITIAL_FORMS": "0",
        }
        assert officer.post(url("matter", "add"), facts).status_code == 302
        matter = Matter.objects.get(name="路灯")
        assert (matter.keywords, matter.direct_dispatch) == ("灯不亮", False)
        assert AuditEntry.objects.get().target == f"matter:{matter.pk}"

    def test_chosen_ones_are_retired_and_offered_again(self, officer):
        matter, other = make_matter(), make_matter()
        chosen = {"_selected_action": [matter.pk]}
        officer.post(url("matter"), {"action": "retire_chosen", **chosen})
        assert set(Matter.objects.filter(retired_at=None)) == {other}
        again = officer.post(url("matter"), {"action": "retire_chosen", **chosen})
        assert told(again)[-1].startswith(matter.name)
        officer.post(url("matter"), {"action": "restore_chosen", **chosen})
        assert set(Matter.objects.filter(retired_at=None)) == {matter, other}

    def test_nothing_is_deleted(self, officer):
        matter = make_matter()
        assert officer.post(url("matter", "delete", matter.pk), {"post": "yes"}).status_code == 403
        assert (
            officer.post(url("standard", "delete", matter.standards.get().pk), {"post": "yes"}).status_code
            == 403
        )


class TestStandards:
    def test_saving_begins_the_next_version(self, officer):
        matter = make_matter(amount=5)
        old = matter.standards.get()
        answer = officer.post(url("standard", "change", old.pk), standard_form(matter, amount="3"))
        assert answer.status_code == 302
        old.refresh_from_db()
        new = Standard.objects.get(valid_to=None)
        assert (old.amount, new.amount, new.valid_from) == (5, 3, old.valid_to)
        assert abs(new.valid_from - timezone.now()) < timedelta(minutes=1)

    def test_and_the_page_stays_with_the_new_one(self, officer):
        matter = make_matter(amount=5)
        facts = standard_form(matter, amount="3", _continue="1")
        answer = officer.post(url("standard", "change", matter.standards.get().pk), facts)
        assert answer.url == url("standard", "change", Standard.objects.get(valid_to=None).pk)

    def test_a_later_begin_may_be_named(self, officer):
        matter = make_matter(amount=5)
        begins = timezone.localtime() + timedelta(days=9)
        facts = standard_form(matter, amount="3", begins_0=f"{begins:%Y-%m-%d}", begins_1="00:00:00")
        officer.post(url("standard", "change", matter.standards.get().pk), facts)
        new = Standard.objects.get(valid_to=None)
        assert timezone.localtime(new.valid_from).date() == begins.date()

    @pytest.mark.parametrize(
        "facts",
        [
            {"amount": "0"},
            {"amount": "-1"},
            {"amount": "x"},
            {"begins_0": "2020-01-01", "begins_1": "00:00"},
            {"amount": "5"},
        ],
    )
    def test_a_bad_version_is_shown_in_the_form_with_what_was_typed(self, officer, facts):
        matter = make_matter(amount=5)
        facts = standard_form(
            matter, **({"condition": "我写的条件"} if facts != {"amount": "5"} else {}), **facts
        )
        answer = officer.post(url("standard", "change", matter.standards.get().pk), facts)
        assert answer.status_code == 200
        assert facts["condition"] in answer.text
        assert answer.context["adminform"].form.errors
        assert (Standard.objects.count(), Standard.objects.get().valid_to) == (1, None)

    def test_a_new_one_begins_now(self, officer):
        matter = make_matter()
        assert (
            officer.post(url("standard", "add"), standard_form(matter, condition="堵塞")).status_code == 302
        )
        assert Standard.objects.get(condition="堵塞").sequence == 2

    def test_history_is_to_be_read(self, officer):
        matter = make_matter(amount=5)
        old = matter.standards.get()
        officer.post(url("standard", "change", old.pk), standard_form(matter, amount="3"))
        assert officer.get(url("standard", "change", old.pk)).status_code == 200
        answer = officer.post(url("standard", "change", old.pk), standard_form(matter, amount="4"))
        assert answer.status_code == 403
        assert Standard.objects.count() == 2

    def test_chosen_ones_end(self, officer):
        standard = make_matter().standards.get()
        officer.post(url("standard"), {"action": "end_chosen", "_selected_action": [standard.pk]})
        standard.refresh_from_db()
        assert standard.valid_to is not None

    def test_the_list_shows_what_is_in_force(self, officer):
        standard = make_matter(name="路灯").standards.get()
        officer.post(url("standard"), {"action": "end_chosen", "_selected_action": [standard.pk]})
        assert officer.get(url("standard")).context["cl"].result_count == 0
        assert officer.get(url("standard"), {"ended": "1"}).context["cl"].result_count == 1


class TestResponsibilities:
    def test_a_rule_is_for_one_thing(self, officer, city):
        matter, unit = make_matter(), make_unit()
        facts = {"place": city.west.pk, "unit": unit.pk}
        both = facts | {"matter": matter.pk, "matter_class": matter.matter_class_id}
        for bad in (facts, both):
            answer = officer.post(url("responsibility", "add"), bad)
            assert answer.context["adminform"].form.non_field_errors()
        assert officer.post(url("responsibility", "add"), facts | {"matter": matter.pk}).status_code == 302
        rule = Responsibility.objects.get()
        assert (rule.matter, rule.place, rule.unit) == (matter, city.west, unit)

    def test_a_rule_can_go(self, officer, city):
        rule = make_responsibility(make_unit(), city.west, matter=make_matter())
        officer.post(url("responsibility", "delete", rule.pk), {"post": "yes"})
        assert Responsibility.objects.count() == 0
        assert AuditEntry.objects.get().action == "responsibility_deleted"

    def test_a_kind_of_owner_is_mapped_to_units(self, officer, city):
        role, unit = OwnerRole.objects.create(name="各产权单位"), make_unit()
        facts = {
            "name": "各产权单位",
            "responsibilities-TOTAL_FORMS": "1",
            "responsibilities-INITIAL_FORMS": "0",
            "responsibilities-0-place": city.west.pk,
            "responsibilities-0-unit": unit.pk,
        }
        assert officer.post(url("ownerrole", "change", role.pk), facts).status_code == 302
        rule = Responsibility.objects.get()
        assert (rule.owner_role, rule.place, rule.unit) == (role, city.west, unit)
        assert AuditEntry.objects.get().action == "responsibility_added"


class TestTiming:
    def test_a_limit_is_changed(self, officer):
        policy = StagePolicy.objects.get(urgency="normal", stage="accept")
        facts = {"urgency": "normal", "stage": "accept", "timer_type": "work_hour"}
        assert (
            officer.post(url("stagepolicy", "change", policy.pk), facts | {"minutes": "45"}).status_code
            == 302
        )
        policy.refresh_from_db()
        assert policy.minutes == 45
        assert AuditEntry.objects.get().data["changes"] == {"minutes": [30, 45]}
        refused = officer.post(url("stagepolicy", "change", policy.pk), facts | {"minutes": "0"})
        assert "minutes" in refused.context["adminform"].form.errors

    def test_a_year_is_imported(self, officer):
        CalendarDay.objects.all().delete()
        page = reverse("admin:cases_calendarday_import_year")
        assert officer.get(page).status_code == 200
        assert officer.post(page, {"year": "2026"}).status_code == 302
        assert CalendarDay.objects.filter(date__year=2026, source="holidays").exists()

    @pytest.mark.parametrize("year", ["", "x", "1900", "2101"])
    def test_a_year_that_cannot_be_is_told(self, officer, year):
        answer = officer.post(reverse("admin:cases_calendarday_import_year"), {"year": year})
        assert answer.context["form"].errors["year"]

    def test_only_the_system_officer_imports(self):
        page = reverse("admin:cases_calendarday_import_year")
        assert signed_in(role=Role.AUDIT_OFFICER).post(page, {"year": "2026"}).status_code == 403

    def test_a_year_that_is_not_published_is_warned_of(self, officer):
        CalendarDay.objects.all().delete()
        assert str(timezone.localdate().year) in "".join(told(officer.get(url("calendarday"))))

    def test_the_list_says_where_a_day_comes_from(self, officer):
        CalendarDay.objects.update_or_create(
            date=date(2026, 10, 1), defaults={"is_workday": False, "name": "国庆", "source": "holidays"}
        )
        CalendarDay.objects.update_or_create(
            date=date(2026, 10, 9), defaults={"is_workday": False, "name": "运动会", "source": ""}
        )
        shown = officer.get(url("calendarday"), headers={"Accept-Language": "en"}).content.decode()
        assert ("Holiday library" in shown, "By hand" in shown) == (True, True)
        assert ">holidays<" not in shown

    def test_a_corrected_day_is_never_overwritten(self, officer):
        CalendarDay.objects.all().delete()
        day = CalendarDay.objects.create(date=date(2026, 10, 1), is_workday=False, source="holidays")
        officer.post(url("calendarday", "change", day.pk), {"date": "2026-10-01", "name": "改"})
        officer.post(reverse("admin:cases_calendarday_import_year"), {"year": "2026"})
        day.refresh_from_db()
        assert (day.name, day.source) == ("改", "")


@pytest.mark.parametrize(
    ("name", "typed", "field"),
    [
        ("ladderrung", {"percent": 0, "repeat_every": 0, "deed": "remind", "is_active": "on"}, "percent"),
        ("workhours", {"starts": "18:00", "ends": "08:00"}, "ends"),
    ],
)
def test_a_broken_constraint_is_said_in_words_and_at_its_field(officer, name: str, typed: dict, field: str):
    answer = officer.post(url(name, "add"), typed)
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert "约束" not in answer.content.decode()


def test_a_rungs_kind_of_order_is_chosen_from_those_that_there_are(officer):
    page = officer.get(url("ladderrung", "add")).content.decode()
    assert '<option value="incident">' in page
    typed = {"percent": 90, "repeat_every": 0, "deed": "remind", "is_active": "on"}
    assert officer.post(url("ladderrung", "add"), typed | {"kind": "nonsense"}).status_code == 200
    assert officer.post(url("ladderrung", "add"), typed | {"kind": "incident"}).status_code == 302
    assert LadderRung.objects.get(percent=90).kind == "incident"


def test_the_lists_say_nothing_of_the_themes_english(officer, city):
    make_matter(unit=make_unit(), place=city.city)
    page = officer.get(url("matter")).content.decode()
    for words in ("Select all rows", "Select record", "Select action"):
        assert words not in page
    assert "Go back" not in officer.get(url("matter", "add")).content.decode()
