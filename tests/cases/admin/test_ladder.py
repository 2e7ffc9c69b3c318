"""The ladder's page looks ahead before it saves; the quarantine shows what cannot be escalated."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from cases.actions.quarantine import LONGEST_RETRY, RETRY, quarantine_clock
from cases.escalation import sweep_ladder
from cases.models import Case, CaseEvent, Clock, LadderRung, QuarantinedClock
from cases.workflow import Kind, Stage
from partymembers.models import AuditEntry, Role
from tests.cases.test_escalation import on
from tests.factories.cases import World, make_world, report
from tests.factories.people import make_user
from tests.factories.scene import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]
LIST = reverse("admin:cases_quarantinedclock_changelist")
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def world() -> World:
    return make_world()


def officer(role: Role = Role.SYSTEM_OFFICER) -> Client:
    return signed_in(make_user(role=role))


def remind() -> LadderRung:
    return LadderRung.objects.get(deed=LadderRung.Deed.REMIND, kind=Kind.INCIDENT)


def page(rung: LadderRung | None = None) -> str:
    if rung is None:
        return reverse("admin:cases_ladderrung_add")
    return reverse("admin:cases_ladderrung_change", args=[rung.pk])


def facts(**given: object) -> dict[str, object]:
    base = {"percent": 80, "repeat_every": 0, "deed": "remind", "kind": "", "stage": "", "urgency": "",
            "matter_class": "", "is_active": "on"}  # fmt: skip
    return base | given


def test_the_list_says_in_words_what_a_rung_is_for(world: World) -> None:
    LadderRung.objects.filter(pk=remind().pk).update(kind="")
    shown = officer().get(reverse("admin:cases_ladderrung_changelist"), headers=ENGLISH).content.decode()
    for word in ("Incident", "Wish", "All"):
        assert f">{word}</td>" in shown.replace("\n", "").replace(" <", "<").replace("> ", ">")
    assert ">incident<" not in shown
    assert ">wish<" not in shown


@pytest.mark.parametrize("field", ["percent", "repeat_every"])
def test_a_percentage_that_no_calendar_reaches_is_refused(world: World, field: str) -> None:
    """With it, no clock whose next rung it is could be started, nor any edit followed."""
    form = facts(kind="incident", deed="climb", **{field: 2_000_000_000})
    for more in ({"_preview": "1"}, {}):
        answer = officer().post(page(), form | more, headers=ENGLISH)
        assert answer.context["errors"] == [["Ensure this value is less than or equal to 100000."]]
    assert not LadderRung.objects.filter(**{field: 2_000_000_000}).exists()


class TestPreview:
    def test_it_tells_what_would_change_and_saves_nothing(self, world: World) -> None:
        report(world)
        with time_machine.travel(on("20 10:20"), tick=False):
            form = facts(kind="incident", percent=60, _preview="1")
            answer = officer().post(page(remind()), form, headers=ENGLISH)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "2 clocks run. Due at once: 0 → 1." in text
        assert "60 % · Remind the holder" in text
        assert 'value="60"' in text
        assert remind().percent == 80
        assert not AuditEntry.objects.filter(action__startswith="ladderrung").exists()

    def test_a_new_rung_is_looked_at_too(self, world: World) -> None:
        report(world)
        with time_machine.travel(on("20 10:20"), tick=False):
            form = facts(percent=10, stage="accept", _preview="1")
            text = officer().post(page(), form, headers=ENGLISH).content.decode()
        assert "Due at once: 0 → 1." in text
        assert not LadderRung.objects.filter(percent=10).exists()

    def test_a_wrong_value_is_refused_as_on_saving(self, world: World) -> None:
        text = (
            officer().post(page(remind()), facts(percent=0, _preview="1"), headers=ENGLISH).content.decode()
        )
        assert "It must be more than 0." in text
        assert "clocks run" not in text

    def test_saving_goes_on_as_before_and_the_page_shows_no_preview_unasked(self, world: World) -> None:
        client = officer()
        assert "clocks run" not in client.get(page(remind()), headers=ENGLISH).content.decode()
        client.post(page(remind()), facts(kind="incident", percent=70))
        assert remind().percent == 70

    @pytest.mark.parametrize("role", [Role.SECURITY_OFFICER, Role.AUDIT_OFFICER])
    def test_the_other_officers_neither_see_the_button_nor_use_it(self, world: World, role: Role) -> None:
        client = officer(role)
        assert "_preview" not in client.get(page(remind())).content.decode()
        assert client.post(page(remind()), facts(_preview="1")).status_code == 403

    def test_people_of_business_find_nothing(self, world: World) -> None:
        assert signed_in(world.city_desk).post(page(remind()), facts(_preview="1")).status_code == 404


class TestQuarantine:
    def stuck(self, world: World) -> Case:
        """An order whose next event collides, swept at 10:30."""
        case = report(world)
        Case.objects.filter(pk=case.pk).update(last_seq=0)
        sweep_ladder(at=on("20 10:30"))
        return case

    def test_why_how_often_and_since_when(self, world: World) -> None:
        case = self.stuck(world)
        at, pauses = on("20 10:30"), []
        for _ in range(9):
            clock = Clock.objects.get(case=case, stage=Stage.ACCEPT)
            next_try = clock.next_rung_at or at
            pauses.append(next_try - at)
            at = next_try
            sweep_ladder(at=at)
        kept = QuarantinedClock.objects.get()
        assert pauses == [min(RETRY * 2**n, LONGEST_RETRY) for n in range(9)]
        assert (kept.times, kept.since, kept.last_at, kept.resolved_at) == (10, on("20 10:30"), at, None)
        assert kept.error.startswith("IntegrityError: duplicate key value violates unique constraint")
        assert "DETAIL" not in kept.error

    def test_it_is_resolved_when_it_succeeds_and_begins_anew_when_it_fails_again(self, world: World) -> None:
        case = self.stuck(world)
        Case.objects.filter(pk=case.pk).update(last_seq=1)
        later = on("20 10:30") + RETRY
        assert sweep_ladder(at=later).done == 2
        assert QuarantinedClock.objects.get().resolved_at == later

        Case.objects.filter(pk=case.pk).update(last_seq=0)
        sweep_ladder(at=on("20 10:45"))
        kept = QuarantinedClock.objects.get()
        assert (kept.times, kept.since, kept.resolved_at) == (1, on("20 10:45"), None)

    def test_the_system_officer_sees_it_and_is_told_on_the_first_page(self, world: World) -> None:
        case, client = self.stuck(world), officer()
        text = client.get(LIST, headers=ENGLISH).content.decode()
        assert case.number in text
        assert "duplicate key value" in text
        first = client.get(reverse("admin:index"), headers=ENGLISH).content.decode()
        assert f'href="{LIST}">1 order cannot be escalated.' in first
        QuarantinedClock.objects.update(resolved_at=on("20 11:00"))
        assert case.number not in client.get(LIST).content.decode()
        assert case.number in client.get(LIST, {"state": "resolved"}).content.decode()

    def test_try_again_takes_the_rungs_now_and_is_audited(self, world: World) -> None:
        case, client = self.stuck(world), officer()
        chosen = {"action": "try_again", "_selected_action": [QuarantinedClock.objects.get().pk]}
        with time_machine.travel(on("20 10:31"), tick=False):
            failed = client.post(LIST, chosen, headers=ENGLISH, follow=True).content.decode()
            assert "It failed again" in failed
            assert QuarantinedClock.objects.get().times == 2
            Case.objects.filter(pk=case.pk).update(last_seq=1)
            client.post(LIST, chosen, follow=True)
        assert QuarantinedClock.objects.get().resolved_at == on("20 10:31")
        assert CaseEvent.objects.filter(case=case, kind="late").count() == 1
        assert AuditEntry.objects.filter(action="quarantine_retried").count() == 2

    def test_the_other_officers_look_only_and_nobody_else_finds_it(self, world: World) -> None:
        self.stuck(world)
        chosen = {"action": "try_again", "_selected_action": [QuarantinedClock.objects.get().pk]}
        other = officer(Role.AUDIT_OFFICER)
        assert other.get(LIST).status_code == 200
        other.post(LIST, chosen)
        assert QuarantinedClock.objects.get().times == 1
        assert signed_in(world.city_desk).get(LIST).status_code == 404

    def test_what_was_put_off_and_then_ended_waits_for_nobody(self, world: World) -> None:
        case = self.stuck(world)
        Clock.objects.filter(case=case).update(stopped_at=on("20 10:31"), next_rung_at=None)
        assert sweep_ladder(at=on("20 10:31") + timedelta(days=9)).done == 0
        assert case.number not in officer().get(LIST).content.decode()


def test_what_is_kept_of_an_error_names_no_phone_and_can_always_be_written(world: World) -> None:
    """An error that could not be noted would end every sweep at this order."""
    clock = Clock.objects.get(case=report(world), stage=Stage.ACCEPT)
    error = ValueError("phone 13800138000\x00 of somebody\nDETAIL: the row")
    kept = quarantine_clock(clock_id=clock.pk, error=error, at=on("20 10:30"))
    kept.refresh_from_db()
    assert kept.error == "ValueError: phone … of somebody"
