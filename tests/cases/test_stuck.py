"""Events that a consumer cannot handle: others go on, its order waits in order, and nothing happens twice."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from cases import relay, stuck
from cases.actions.setting_aside import retry_stuck_event, skip_stuck_event
from cases.backoff import pause_after
from cases.models import Case, CaseEvent, StuckEvent
from cases.relay import Consumer, lag, run_relay
from governance.common.errors import NotAllowed, NotVisible, WrongState
from partymembers.models import AuditEntry, Role
from tests.factories.grids import make_city
from tests.factories.log import Notebook, append_event, make_order
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case() -> Case:
    return make_order(make_city().west_1)


@pytest.fixture
def other(case: Case) -> Case:
    return make_order(case.place, matter=case.matter)


@pytest.fixture(autouse=True)
def no_other_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_consumers", {})


def come_due() -> None:
    """Let the pause of everything that is tried again be over."""
    StuckEvent.objects.exclude(next_try_at=None).update(next_try_at=timezone.now() - timedelta(seconds=1))


def table() -> list[tuple[int, int, bool, bool]]:
    """Position, tries, whether it is tried again, whether it was given up."""
    return [
        (row.position, row.tries, row.next_try_at is not None, row.dead_at is not None)
        for row in StuckEvent.objects.all()
    ]


def test_one_order_waits_behind_its_failed_event_and_the_others_go_on(
    case: Case, other: Case, caplog: pytest.LogCaptureFixture
) -> None:
    first, bad = append_event(case).pk, append_event(case).pk
    beside = [append_event(other).pk for _number in range(3)]
    behind = append_event(case).pk
    broken = Notebook("broken", refuse=lambda event: event.pk == bad)
    sound = Notebook("sound")
    with caplog.at_level(logging.WARNING, "gezhi.relay"):
        run_relay(seconds=5)
    assert broken.seen == [first, *beside]
    assert sound.seen == [first, bad, *beside, behind]
    assert table() == [(2, 1, True, False), (6, 0, False, False)]
    told = [record for record in caplog.records if record.msg == "event_set_aside"]
    assert [(r.order, r.position, r.consumer, r.tries) for r in told] == [(case.number, 2, "broken", 1)]  # type: ignore[attr-defined]
    assert {each.name: (each.behind, each.stuck, each.dead) for each in lag().consumers} == {
        "broken": (0, 2, 0),
        "sound": (0, 0, 0),
    }

    later = append_event(case).pk
    run_relay(seconds=5)  # its pause is not over, so what comes now waits, too
    assert table() == [(2, 1, True, False), (6, 0, False, False), (7, 0, False, False)]
    broken.refuse = lambda event: False
    come_due()
    assert run_relay(seconds=5) == 3
    assert broken.seen == [first, *beside, bad, behind, later]
    assert lag().is_empty
    assert not StuckEvent.objects.exists()


def test_one_bad_event_of_a_large_batch_is_found_in_few_tries(case: Case) -> None:
    """One by one, a thousand events may take longer than the task may last, and none is ever handled."""
    orders = [case, *(make_order(case.place, matter=case.matter) for _number in range(31))]
    pks = [append_event(order).pk for order in orders]
    bad, tries = pks[20], list[int]()
    notebook = Notebook("broken", refuse=lambda event: event.pk == bad)

    def handle(events: Sequence[CaseEvent]) -> None:
        tries.append(len(events))
        notebook.handle(events)

    relay.register(Consumer("broken", handle, batch=32))
    run_relay(seconds=5)
    assert notebook.seen == [pk for pk in pks if pk != bad]
    assert [row[0] for row in table()] == [21]
    assert tries == [32, 16, 16, 8, 4, 4, 2, 1, 1, 2, 8]


def test_pauses_grow_and_the_last_try_gives_up(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    Notebook("broken", refuse=lambda event: True)
    append_event(case)
    pauses = []
    with caplog.at_level(logging.ERROR, "gezhi.relay"):
        for _number in range(stuck.MOST_TRIES - 1):
            run_relay(seconds=5)
            row = StuckEvent.objects.get()
            assert row.next_try_at is not None
            pauses.append((row.next_try_at - timezone.now()).total_seconds())
            come_due()
        assert [record.msg for record in caplog.records] == []
        run_relay(seconds=5)
    assert [0.45 * 5 * 2**n < pause < 1.5 * 5 * 2**n for n, pause in enumerate(pauses)] == [True] * 7
    assert table() == [(1, stuck.MOST_TRIES, False, True)]
    assert [record.msg for record in caplog.records] == ["event_given_up"]
    row = StuckEvent.objects.get()
    assert row.error.startswith("RuntimeError: no (log.py:")
    append_event(case)
    run_relay(seconds=5)
    assert table() == [(1, stuck.MOST_TRIES, False, True), (2, 0, False, False)]
    assert not lag().is_empty


def test_a_pause_never_exceeds_its_most_and_chance_spreads_it() -> None:
    first, most = timedelta(seconds=5), timedelta(minutes=10)
    drawn = {pause_after(1000, first=first, most=most) for _number in range(50)}
    assert len(drawn) > 40
    assert min(drawn) >= most / 2
    assert max(drawn) <= most * 1.5


def test_an_error_is_told_in_one_line_without_long_numbers(case: Case) -> None:
    with pytest.raises(ValueError, match="phone") as caught:
        raise ValueError("phone 13800138000 of somebody\nDETAIL: the row")
    assert stuck.describe_error(caught.value).startswith("ValueError: phone … of somebody (test_stuck.py:")


def test_a_statement_that_takes_too_long_is_set_aside_like_any_error(case: Case) -> None:
    def handle(events: Sequence[CaseEvent]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 50")
            cursor.execute("SELECT pg_sleep(5)")

    relay.register(Consumer("slow", handle))
    append_event(case)
    run_relay(seconds=5)
    assert StuckEvent.objects.get().error.startswith("QueryCanceled") or "OperationalError" in (
        StuckEvent.objects.get().error
    )
    assert [each.behind for each in lag().consumers] == [0]


def test_an_interruption_sets_nothing_aside(case: Case) -> None:
    """A connection that is gone is nobody's fault: nothing is written, and the next run does it all."""

    def handle(events: Sequence[CaseEvent]) -> None:
        connection.connection.close()
        raise OperationalError("server closed the connection")

    relay.register(Consumer("notebook", handle))
    event = append_event(case)
    run_relay(seconds=5)
    assert not StuckEvent.objects.exists()
    notebook = Notebook()
    run_relay(seconds=5)
    assert notebook.seen == [event.pk]


def test_a_broken_consumer_takes_nothing_new_while_many_orders_are_tried_again(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stuck, "MOST_AT_ONCE", 3)
    orders = [case, *(make_order(case.place, matter=case.matter) for _number in range(5))]
    pks = [append_event(order).pk for order in orders]
    broken = Notebook("broken", refuse=lambda event: True)
    with caplog.at_level(logging.ERROR, "gezhi.relay"):
        run_relay(seconds=5)
        run_relay(seconds=5)
    assert [row[0] for row in table()] == [1, 2, 3]
    assert [each.behind for each in lag().consumers] == [3]
    assert {record.msg for record in caplog.records} == {"consumer_overwhelmed"}
    broken.refuse = lambda event: False
    come_due()
    run_relay(seconds=5)
    run_relay(seconds=5)
    assert sorted(broken.seen) == pks
    assert lag().is_empty


def test_two_relays_at_once_try_a_failed_event_once(case: Case) -> None:
    tries: list[int] = []
    notebook = Notebook(refuse=lambda event: True)
    append_event(case)
    run_relay(seconds=5)

    def note(event: CaseEvent) -> bool:
        tries.append(event.pk)
        return False

    notebook.refuse = note
    come_due()
    threads = [threading.Thread(target=_relay_and_close) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) == 1
    assert notebook.seen == tries
    assert lag().is_empty


def _relay_and_close() -> None:
    try:
        run_relay(seconds=5)
    finally:
        connection.close()


def test_killed_between_the_effect_and_the_commit_of_a_retry_it_happens_once(case: Case) -> None:
    notebook = Notebook(refuse=lambda event: True)
    pk = append_event(case).pk
    run_relay(seconds=5)
    notebook.refuse = lambda event: False
    come_due()
    with transaction.atomic():
        run_relay(seconds=5)
        assert notebook.seen == [pk]
        transaction.set_rollback(True)
    assert (notebook.seen, len(table())) == ([], 1)
    run_relay(seconds=5)
    assert (notebook.seen, table()) == ([pk], [])


class TestOfficer:
    @pytest.fixture
    def dead(self, case: Case) -> StuckEvent:
        self.notebook = Notebook(refuse=lambda event: event.seq == 1)
        append_event(case)
        append_event(case)
        run_relay(seconds=5)
        StuckEvent.objects.filter(tries=1).update(
            tries=stuck.MOST_TRIES, next_try_at=None, dead_at=timezone.now()
        )
        return StuckEvent.objects.earliest("position")

    def test_try_again_begins_anew(self, dead: StuckEvent) -> None:
        officer = make_user("韩系统", role=Role.SYSTEM_OFFICER)
        retry_stuck_event(stuck_id=dead.pk, actor=officer, at=timezone.now())
        assert table() == [(1, 0, True, False), (2, 0, False, False)]
        self.notebook.refuse = lambda event: False
        run_relay(seconds=5)
        assert len(self.notebook.seen) == 2
        assert lag().is_empty
        entry = AuditEntry.objects.get(action="stuck_event_retried")
        assert (entry.actor, entry.target) == (officer, f"case:{dead.case.number}")
        with pytest.raises(NotVisible):
            retry_stuck_event(stuck_id=dead.pk, actor=officer, at=timezone.now())

    def test_skip_lets_what_waited_behind_go(self, dead: StuckEvent) -> None:
        officer = make_user("韩系统", role=Role.SYSTEM_OFFICER)
        second = StuckEvent.objects.latest("position")
        with pytest.raises(WrongState):
            skip_stuck_event(stuck_id=second.pk, actor=officer, at=timezone.now())
        skip_stuck_event(stuck_id=dead.pk, actor=officer, at=timezone.now())
        run_relay(seconds=5)
        assert self.notebook.seen == [second.event_id]
        assert lag().is_empty
        assert AuditEntry.objects.get(action="stuck_event_skipped").data["reader"] == "notebook"

    @pytest.mark.parametrize("role", [Role.AUDIT_OFFICER, Role.SECURITY_OFFICER, None])
    def test_nobody_else_may(self, dead: StuckEvent, role: Role | None) -> None:
        somebody = make_user("别人", role=role) if role else make_user("别人")
        for act in (retry_stuck_event, skip_stuck_event):
            with pytest.raises(NotAllowed):
                act(stuck_id=dead.pk, actor=somebody, at=timezone.now())
