from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from cases.actions.catalogue import (
    add_standard,
    end_standard,
    import_calendar_year,
    remove_configuration,
    restore_matter,
    retire_matter,
    revise_standard,
    save_configuration,
)
from cases.calendars import current_calendar, forget_calendar
from cases.catalogue import search_matters, standard_for
from cases.models import (
    CalendarDay,
    LadderRung,
    Matter,
    MatterClass,
    OwnerRole,
    Responsibility,
    StagePolicy,
    Standard,
    WorkHours,
)
from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from partymembers.audit import label_of
from partymembers.models import AuditEntry, Role
from tests.factories.catalogue import make_class, make_matter, make_policies, make_responsibility
from tests.factories.grids import make_city
from tests.factories.people import make_unit, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("an_empty_catalogue")]
AT = datetime(2026, 11, 20, 2, 24, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _policies(db):
    """The migration's rows, which an earlier test may have flushed."""
    make_policies()


@pytest.fixture
def officer():
    return make_user("韩系统", role=Role.SYSTEM_OFFICER)


def trail() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


class TestPermission:
    @pytest.fixture
    def calls(self):
        matter, role = make_matter(), OwnerRole.objects.create(name="各产权单位")
        return {
            "save": lambda who: save_configuration(matter.matter_class, actor=who, at=AT),
            "remove": lambda who: remove_configuration(role, actor=who, at=AT),
            "add": lambda who: add_standard(Standard(matter=matter, amount=1), actor=who, at=AT),
            "revise": lambda who: revise_standard(
                standard_id=matter.standards.get().pk, actor=who, at=AT, amount=9
            ),
            "end": lambda who: end_standard(standard_id=matter.standards.get().pk, actor=who, at=AT),
            "retire": lambda who: retire_matter(matter_id=matter.pk, actor=who, at=AT),
            "restore": lambda who: restore_matter(matter_id=matter.pk, actor=who, at=AT),
            "calendar": lambda who: import_calendar_year(year=2026, actor=who, at=AT),
        }

    @pytest.mark.parametrize(
        "name", ["save", "remove", "add", "revise", "end", "retire", "restore", "calendar"]
    )
    def test_only_the_system_officer_configures(self, calls, name):
        city = make_city()
        others = [
            make_user("安", role=Role.SECURITY_OFFICER),
            make_user("审", role=Role.AUDIT_OFFICER),
            make_user("市", role=Role.DESK, place=city.city),
            make_user("前", role=Role.SYSTEM_OFFICER, until=AT.date() - DAY),
            make_user("无"),
        ]
        for who in others:
            with pytest.raises(NotAllowed):
                calls[name](who)
        assert trail() == []


class TestSave:
    def test_a_new_row_is_written_and_audited(self, officer):
        matter = Matter(matter_class=make_class(), code="19", name="路灯", keywords="灯不亮")
        save_configuration(matter, actor=officer, at=AT, ip="203.0.113.7")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target) == ("matter_added", f"matter:{matter.pk}")
        assert (entry.actor, entry.ip, entry.at) == (officer, "203.0.113.7", AT)
        assert entry.data["changes"]["name"] == [None, "路灯"]
        assert [leaf.matter for leaf in search_matters("灯不亮")] == [matter]

    def test_a_change_keeps_both_values(self, officer):
        matter = make_matter(name="路灯")
        search_matters("路灯")
        matter.keywords = "照明"
        save_configuration(matter, actor=officer, at=AT)
        assert AuditEntry.objects.get().data["changes"] == {"keywords": ["", "照明"]}
        assert [leaf.matter for leaf in search_matters("照明")] == [matter]

    def test_nothing_new_leaves_no_trace(self, officer):
        save_configuration(make_matter(), actor=officer, at=AT)
        assert trail() == []

    def test_what_is_wrong_is_named_and_not_written(self, officer):
        policy = StagePolicy.objects.get(urgency="normal", stage="accept")
        policy.timer_type = "someday"
        with pytest.raises(Invalid) as refusal:
            save_configuration(policy, actor=officer, at=AT)
        assert refusal.value.field == "timer_type"
        assert StagePolicy.objects.get(pk=policy.pk).timer_type == "work_hour"
        assert trail() == []

    @pytest.mark.parametrize(
        "row",
        [
            lambda: StagePolicy(urgency="normal", stage="handle", minutes=1, timer_type="work_hour"),
            lambda: LadderRung(percent=0, deed="remind"),
            lambda: WorkHours(starts=time(18), ends=time(8)),
            lambda: MatterClass(section="component", code="01", name=""),
            lambda: Responsibility(place=make_city().west, unit=make_unit()),
        ],
    )
    def test_rows_that_break_a_rule_are_refused(self, officer, row):
        with pytest.raises(Invalid):
            save_configuration(row(), actor=officer, at=AT)

    def test_a_stage_limit_of_nothing_is_refused(self, officer):
        policy = StagePolicy.objects.get(urgency="normal", stage="accept")
        policy.minutes = 0
        with pytest.raises(Invalid):
            save_configuration(policy, actor=officer, at=AT)

    def test_the_calendar_is_read_anew(self, officer, django_capture_on_commit_callbacks):
        forget_calendar()
        sunday = date(2026, 11, 22)
        assert not current_calendar().is_workday(sunday)
        with django_capture_on_commit_callbacks(execute=True):
            save_configuration(CalendarDay(date=sunday, is_workday=True), actor=officer, at=AT)
        assert current_calendar().is_workday(sunday)
        forget_calendar()


class TestRemove:
    def test_what_went_is_in_the_trail(self, officer):
        rule = make_responsibility(make_unit("市政所"), make_city().west, matter=make_matter())
        target = f"responsibility:{rule.pk}"
        remove_configuration(rule, actor=officer, at=AT)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target) == ("responsibility_deleted", target)
        assert set(entry.data["was"]) == {"matter", "place", "unit"}
        assert Responsibility.objects.count() == 0

    def test_what_is_in_use_stays(self, officer):
        role = OwnerRole.objects.create(name="各产权单位")
        make_matter().standards.update(owner_role=role)
        with pytest.raises(WrongState):
            remove_configuration(role, actor=officer, at=AT)
        assert OwnerRole.objects.count() == 1
        assert trail() == []

    def test_matters_and_classes_are_never_removed(self, officer):
        matter = Matter.objects.create(matter_class=make_class(), code="19", name="路灯")
        for row in (matter, matter.matter_class):
            with pytest.raises(WrongState):
                remove_configuration(row, actor=officer, at=AT)
        assert Matter.objects.count() == 1


class TestStandards:
    def test_a_revision_ends_one_version_and_begins_the_next(self, officer):
        matter = make_matter(amount=5)
        old = matter.standards.get()
        new = revise_standard(standard_id=old.pk, actor=officer, at=AT, amount=Decimal(3))
        old.refresh_from_db()
        assert (old.amount, old.valid_to, new.amount, new.valid_from, new.valid_to) == (5, AT, 3, AT, None)
        assert (new.sequence, new.condition, new.timer_type) == (old.sequence, old.condition, old.timer_type)
        assert standard_for(matter, at=AT - DAY) == old
        assert standard_for(matter, at=AT) == new
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.data["follows"]) == ("standard_changed", old.pk)
        assert entry.data["changes"] == {"amount": ["5.00", "3"]}

    def test_a_revision_may_begin_later(self, officer):
        matter = make_matter(amount=5)
        old = matter.standards.get()
        new = revise_standard(standard_id=old.pk, actor=officer, at=AT, valid_from=AT + 9 * DAY, amount=3)
        assert standard_for(matter, at=AT + 8 * DAY) == old
        assert standard_for(matter, at=AT + 9 * DAY) == new

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"valid_from": AT - DAY, "amount": 3}, "valid_from"),
            ({"amount": 0}, ""),
            ({"amount": -1}, ""),
            ({"amount": Decimal("1.234")}, "amount"),
            ({"amount": Decimal(100000)}, "amount"),
            ({"timer_type": "someday"}, "timer_type"),
            ({"urgency": "whenever"}, "urgency"),
            ({"amount": 5}, ""),
            ({}, ""),
        ],
    )
    def test_a_bad_revision_changes_nothing(self, officer, facts, field):
        old = make_matter(amount=5).standards.get()
        with pytest.raises(Invalid) as refusal:
            revise_standard(standard_id=old.pk, actor=officer, at=AT, **facts)
        assert refusal.value.field == field
        old.refresh_from_db()
        assert (old.valid_to, Standard.objects.count(), trail()) == (None, 1, [])

    def test_a_version_that_was_revised_is_history(self, officer):
        old = make_matter(amount=5).standards.get()
        revise_standard(standard_id=old.pk, actor=officer, at=AT, amount=3)
        with pytest.raises(WrongState):
            revise_standard(standard_id=old.pk, actor=officer, at=AT + DAY, amount=4)
        with pytest.raises(WrongState):
            end_standard(standard_id=old.pk, actor=officer, at=AT + DAY)
        assert Standard.objects.count() == 2

    def test_two_revisions_at_one_instant_are_one_too_many(self, officer):
        old = make_matter(amount=5).standards.get()
        new = revise_standard(standard_id=old.pk, actor=officer, at=AT, amount=3)
        with pytest.raises(Invalid):
            revise_standard(standard_id=new.pk, actor=officer, at=AT, amount=4)

    def test_a_new_one_is_numbered_after_those_before(self, officer):
        matter = make_matter()
        end_standard(standard_id=matter.standards.get().pk, actor=officer, at=AT)
        new = Standard(matter=matter, condition="堵塞", amount=1, timer_type="work_day")
        add_standard(new, actor=officer, at=AT)
        assert (new.sequence, new.valid_from, standard_for(matter, at=AT)) == (2, AT, new)
        assert trail() == ["standard_ended", "standard_added"]

    def test_a_new_one_does_not_begin_in_the_past(self, officer):
        new = Standard(matter=make_matter(), amount=1, timer_type="work_day", valid_from=AT - DAY)
        with pytest.raises(Invalid):
            add_standard(new, actor=officer, at=AT)

    def test_what_is_not_there_is_not_visible(self, officer):
        for call in (
            lambda: revise_standard(standard_id=0, actor=officer, at=AT, amount=1),
            lambda: end_standard(standard_id=0, actor=officer, at=AT),
            lambda: retire_matter(matter_id=0, actor=officer, at=AT),
        ):
            with pytest.raises(NotVisible):
                call()


class TestRetire:
    def test_a_retired_matter_is_offered_to_nobody_until_restored(self, officer):
        matter = make_matter(name="路灯")
        retire_matter(matter_id=matter.pk, actor=officer, at=AT - DAY)
        assert search_matters("路灯") == []
        with pytest.raises(WrongState):
            retire_matter(matter_id=matter.pk, actor=officer, at=AT)
        restore_matter(matter_id=matter.pk, actor=officer, at=AT)
        assert len(search_matters("路灯")) == 1
        with pytest.raises(WrongState):
            restore_matter(matter_id=matter.pk, actor=officer, at=AT)
        assert trail() == ["matter_retired", "matter_restored"]


class TestCalendar:
    def test_a_year_comes_from_the_library(self, officer):
        CalendarDay.objects.all().delete()
        count = import_calendar_year(year=2026, actor=officer, at=AT)
        assert CalendarDay.objects.filter(date__year=2026).count() == count > 20
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target, entry.data) == (
            "calendar_imported",
            "calendar:2026",
            {"days": count},
        )

    def test_a_year_the_library_does_not_know_is_told(self, officer):
        with pytest.raises(Invalid) as refusal:
            import_calendar_year(year=1900, actor=officer, at=AT)
        assert refusal.value.field == "year"


def test_the_trail_is_told_in_words():
    with translation.override("en"):
        assert label_of("matter_retired") == "Matter retired"
        assert label_of("matter_changed") == "matter changed"
