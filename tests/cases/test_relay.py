"""The relay: positions are gapless, and each event reaches each consumer once, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
from django.db import connection, transaction

from cases import relay, stuck
from cases.models import Case, CaseEvent, ConsumerCursor
from cases.relay import Consumer, lag, run_consumer, run_relay, sequence_events
from tests.factories.grids import make_city
from tests.factories.log import FRIDAY, Notebook, append_event, make_order
from tests.factories.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case() -> Case:
    return make_order(make_city().west_1)


@pytest.fixture(autouse=True)
def no_other_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_consumers", {})


def positions() -> list[int | None]:
    return list(CaseEvent.objects.order_by("pk").values_list("position", flat=True))


def test_positions_follow_the_ids_without_a_gap(case: Case) -> None:
    for _number in range(5):
        append_event(case)
    assert sequence_events(limit=2) == 2
    assert positions() == [1, 2, None, None, None]
    assert sequence_events() == 3
    assert sequence_events() == 0
    assert positions() == [1, 2, 3, 4, 5]


def test_an_event_that_is_committed_late_is_never_skipped(case: Case) -> None:
    other = make_order(case.place, matter=case.matter)
    notebook = Notebook()
    began, go_on = threading.Event(), threading.Event()
    late: list[int] = []

    def slow() -> None:
        with transaction.atomic():
            late.append(append_event(other, "urge").pk)
            began.set()
            assert go_on.wait(60)

    thread = in_thread(slow)
    assert began.wait(60)
    early = append_event(case)
    assert early.pk > late[0]  # the late one has the smaller id, which a cursor over ids would pass
    assert run_relay() == 1
    go_on.set()
    thread.join()
    assert run_relay() == 1
    assert notebook.seen == [early.pk, late[0]]
    assert dict(CaseEvent.objects.values_list("pk", "position")) == {early.pk: 1, late[0]: 2}


def test_an_event_rolled_back_leaves_no_gap(case: Case) -> None:
    append_event(case)
    with transaction.atomic():
        CaseEvent.objects.create(case=case, seq=99, kind="urge", at=FRIDAY, actor_kind="system")
        transaction.set_rollback(True)
    append_event(case)
    sequence_events()
    assert positions() == [1, 2]


def test_only_one_sequencer_works_at_a_time(case: Case) -> None:
    append_event(case)
    holding, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            assert sequence_events() == 1
            holding.set()
            assert go_on.wait(60)

    thread = in_thread(hold)
    assert holding.wait(60)
    append_event(case)
    assert sequence_events() is None
    go_on.set()
    thread.join()
    assert sequence_events() == 1
    assert positions() == [1, 2]


def test_who_sequences_looks_again_before_it_goes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event is committed, and its relay turned away, while another one numbers what was there before."""
    notebook, late = Notebook(), list[int]()

    def number_and_be_overtaken() -> int | None:
        numbered = sequence_events()
        late.extend([] if late else [append_event(case).pk])
        return numbered

    monkeypatch.setattr(relay, "sequence_events", number_and_be_overtaken)
    assert run_relay() == 1
    assert notebook.seen == late


def test_many_writers_and_two_relays_at_once(case: Case) -> None:
    orders = [case, *(make_order(case.place, matter=case.matter) for _number in range(3))]
    notebook, second = Notebook(), Notebook("second")
    writing = threading.Event()

    def write(order: Case) -> Callable[[], None]:
        def work() -> None:
            for _number in range(12):
                with transaction.atomic():
                    append_event(order)

        return work

    def read() -> None:
        while not writing.is_set():
            run_relay(seconds=5)
        run_relay(seconds=5)

    readers = [in_thread(read), in_thread(read)]
    writers = [in_thread(write(order)) for order in orders]
    for thread in writers:
        thread.join()
    writing.set()
    for thread in readers:
        thread.join()
    run_relay()
    in_order = list(CaseEvent.objects.order_by("position").values_list("pk", flat=True))
    assert sorted(p for p in positions() if p) == list(range(1, 49))
    assert notebook.seen == second.seen == in_order
    for order in orders:
        by_position = CaseEvent.objects.filter(case=order).order_by("position").values_list("seq", flat=True)
        assert list(by_position) == list(range(1, 13))


def test_two_workers_never_run_one_consumer_at_once(case: Case) -> None:
    inside, go_on = threading.Event(), threading.Event()
    handled: list[int] = []
    let_go: list[bool] = []

    def handle(events: Sequence[CaseEvent]) -> None:
        handled.append(len(events))
        inside.set()
        let_go.append(go_on.wait(60))

    relay.register(Consumer("slow", handle))
    append_event(case)
    sequence_events()
    thread = in_thread(lambda: handled.append(-run_consumer("slow")))
    assert inside.wait(60)
    assert run_consumer("slow") == 0
    go_on.set()
    thread.join()
    assert handled == [1, -1]
    assert let_go == [True]  # nobody waited for it, not even in its first round
    assert run_consumer("slow") == 0


def test_effects_and_cursor_are_one_transaction(case: Case) -> None:
    """A worker that dies after its effects and before its commit has done nothing; the next does it all."""
    notebook = Notebook()
    event = append_event(case)
    sequence_events()
    with transaction.atomic():
        assert run_consumer("notebook") == 1
        transaction.set_rollback(True)
    assert notebook.seen == []
    assert run_consumer("notebook") == 1
    assert run_consumer("notebook") == 0
    assert notebook.seen == [event.pk]


def test_a_backend_killed_in_the_middle_loses_and_doubles_nothing(case: Case) -> None:
    notebook = Notebook()
    pks = [append_event(case).pk for _number in range(2)]
    inside, go_on = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def handle(events: Sequence[CaseEvent]) -> None:
        notebook.handle(events)
        inside.set()
        assert go_on.wait(60)

    def work() -> None:
        try:
            run_consumer("notebook")
        except Exception as error:  # the connection is gone; what it raises is the driver's affair
            errors.append(error)

    relay.register(Consumer("notebook", handle))
    sequence_events()
    thread = in_thread(work)
    assert inside.wait(60)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state = 'idle in transaction'"
        )
        assert cursor.fetchall() == [(True,)]
    go_on.set()
    thread.join()
    assert [isinstance(error, stuck.INTERRUPTIONS) for error in errors] == [True]
    assert notebook.seen == []
    relay.register(Consumer("notebook", notebook.handle))
    assert run_relay() == 2
    assert notebook.seen == pks


def test_a_consumer_gets_the_kinds_that_it_wants_and_passes_the_others(case: Case) -> None:
    pks = [append_event(case, kind).pk for kind in ("comment", "urge", "comment", "urge")]
    notebook = Notebook()
    relay.register(Consumer("notebook", notebook.handle, kinds=frozenset({"urge"})))
    assert run_relay() == 4
    assert notebook.seen == [pks[1], pks[3]]
    append_event(case)
    run_relay()
    assert lag().is_empty
    assert len(notebook.seen) == 2


def test_a_new_consumer_reads_from_the_beginning(case: Case) -> None:
    pks = [append_event(case).pk for _number in range(4)]
    run_relay()
    notebook = Notebook()
    assert run_relay() == 4
    assert notebook.seen == pks


def test_the_backlog_names_what_waits(case: Case) -> None:
    Notebook()
    assert lag().is_empty
    event = append_event(case)
    waiting = lag()
    assert (waiting.unsequenced, waiting.oldest_at, waiting.is_empty) == (1, event.recorded_at, False)
    sequence_events()
    assert [(each.name, each.position, each.behind) for each in lag().consumers] == [("notebook", 0, 1)]
    run_relay()
    assert lag().is_empty
    assert ConsumerCursor.objects.get(pk="notebook").position == 1


def test_an_idle_round_costs_few_queries(
    case: Case, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    Notebook()
    append_event(case)
    run_relay()
    with django_assert_num_queries(12):
        run_relay()
