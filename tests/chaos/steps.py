"""What people do next with an order in each state; the name of the event that must follow, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from cases.actions import checking, desk, handling, oversight
from cases.models import Case
from cases.workflow import State
from partymembers.models import Unit
from tests.factories.cases import make_attachment

if TYPE_CHECKING:
    from tests.chaos.driver import Life, Office


def _takes(life: Life, turn: str) -> bool:
    """Whether the order takes this turn now; it does so once."""
    if turn not in life.turns:
        return False
    life.turns.remove(turn)
    return True


def _reported(office: Office, life: Life, case: Case) -> str:
    at, actor = timezone.now(), office.desk_of(case)
    if _takes(life, "decline"):
        desk.decline_case(case_id=case.pk, actor=actor, at=at, note="不属于本清单")
        return "decline"
    if _takes(life, "merge"):
        other = Case.objects.open().exclude(pk=case.pk).filter(desk=case.desk_id).order_by("pk").last()
        if other is not None:
            desk.merge_case(case_id=case.pk, target_id=other.pk, actor=actor, at=at, note="同一处")
            return "merge"
    desk.accept_case(case_id=case.pk, actor=actor, at=at)
    return "accept"


def _accepted(office: Office, life: Life, case: Case) -> str:
    units = Unit.objects.in_bulk([office.plan["unit"], office.plan["assisting"]])
    desk.dispatch_case(
        case_id=case.pk,
        unit=units[office.plan["unit"]],
        assisting=[units[office.plan["assisting"]]],
        actor=office.desk_of(case),
        at=timezone.now(),
    )
    return "dispatch"


def _dispatched(office: Office, life: Life, case: Case) -> str:
    handler, at = office.user(office.plan["handler"]), timezone.now()
    if _takes(life, "return"):
        handling.return_case(case_id=case.pk, actor=handler, at=at, note="不归我们管")
        return "return"
    handling.acknowledge_case(case_id=case.pk, actor=handler, at=at)
    return "acknowledge"


def _handling(office: Office, life: Life, case: Case) -> str:
    handler, at = office.user(office.plan["handler"]), timezone.now()
    if _takes(life, "comment"):
        oversight.comment_case(case_id=case.pk, actor=handler, at=at, note="已到现场")
        return "comment"
    if case.requests.filter(decided_at=None).exists():
        desk.grant_suspension(case_id=case.pk, actor=office.desk_of(case), at=at)
        return "grant_suspension"
    if _takes(life, "suspend"):
        handling.ask_suspension(case_id=case.pk, actor=handler, at=at, note="等法院裁定")
        return "ask_suspension"
    return _finish(office, case, at)


def _finish(office: Office, case: Case, at: datetime) -> str:
    handler = office.user(office.plan["handler"])
    picture = make_attachment(handler, at=at)
    handling.finish_case(case_id=case.pk, actor=handler, at=at, note="已补装", attachments=[picture])
    return "finish"


def _suspended(office: Office, life: Life, case: Case) -> str:
    desk.resume_case(case_id=case.pk, actor=office.desk_of(case), at=timezone.now())
    return "resume"


def _handled(office: Office, life: Life, case: Case) -> str:
    actor, at = office.desk_of(case), timezone.now()
    if _takes(life, "fail"):
        checking.fail_check(case_id=case.pk, actor=actor, at=at, note="仍有松动")
        return "check_fail"
    checking.pass_check(case_id=case.pk, actor=actor, at=at)
    return "check_pass"


#: By state; an order in any other has come to its end.
STEPS: Final[dict[str, Callable[[Office, Life, Case], str]]] = {
    State.REPORTED: _reported,
    State.ACCEPTED: _accepted,
    State.DISPATCHED: _dispatched,
    State.HANDLING: _handling,
    State.SUSPENDED: _suspended,
    State.HANDLED: _handled,
}
