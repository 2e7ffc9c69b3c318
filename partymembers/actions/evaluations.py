"""The yearly four-grade evaluation 好/较好/一般/差 by the community, and its report to the work units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, WrongState
from partymembers.access import users_in
from partymembers.actions.notices import tell
from partymembers.audit import record_access
from partymembers.models import Evaluation, Role, Unit, User
from partymembers.party_rules import locked_branch, present_member, require_committee, require_not_oneself


@transaction.atomic
def evaluate_member(
    *,
    member_id: int,
    year: int,
    grade: str,
    note: str = "",
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Evaluation:
    """Grade a member's service of a year; the same again corrects it until it is reported.

    By the committee of the check-in branch or one above; nobody grades themselves. This year or the last.
    Raises Invalid, NotAllowed, NotVisible or WrongState.
    """
    member = present_member(member_id)
    require_committee(actor, member.checkin_branch, at=at)
    require_not_oneself(actor, member)
    _check_year(year, at=at)
    if grade not in Evaluation.Grade.values:
        raise Invalid(_("Please choose one."), field="grade")
    if member.checkin_branch is None or actor is None:
        raise WrongState(_("They are not checked in anywhere."))
    known = Evaluation.objects.select_for_update(no_key=True).filter(member=member, year=year).first()
    if known is not None and known.reported_at is not None:
        raise WrongState(_("It has been reported to the work unit and stays as it is."))
    if known is not None and (known.grade, known.note) == (grade, note.strip()):
        return known
    fields = {
        "grade": grade, "note": note.strip(), "branch": member.checkin_branch,
        "unit_id": member.home_branch.unit_id, "at": at, "by": actor,
    }  # fmt: skip
    made, is_new = Evaluation.objects.update_or_create(member=member, year=year, defaults=fields)
    before = None if known is None else known.grade
    action = "member_evaluated" if is_new else "evaluation_corrected"
    record_access(actor, action, member.user, ip, at=at, year=year, grade=[before, grade])
    return made


@transaction.atomic
def evaluate_members(
    *, grades: Mapping[int, tuple[str, str]], year: int, actor: User, at: dt.datetime, ip: str | None = None
) -> int:
    """Grade several at once, all or none: member id → grade and remark. How many were graded anew.

    Raises what `evaluate_member` raises.
    """
    count = 0
    for member_id in sorted(grades):  # one order of locks, whoever saves at the same time
        grade, note = grades[member_id]
        evaluation = evaluate_member(
            member_id=member_id, year=year, grade=grade, note=note, actor=actor, at=at, ip=ip
        )
        count += evaluation.at == at
    return count


@transaction.atomic
def report_to_units(
    *, branch_id: int, year: int, actor: User | None, at: dt.datetime, ip: str | None = None
) -> int:
    """Report the year's grades of a branch and all below to the work units; how many. Final.

    The heads of each unit are told. Grades of members without a work unit stay. Raises Invalid, NotAllowed,
    NotVisible or WrongState.
    """
    branch = locked_branch(branch_id)
    require_committee(actor, branch, at=at)
    _check_year(year, at=at)
    ready = Evaluation.objects.select_for_update(of=("self",)).filter(
        branch__path__startswith=branch.path, year=year, reported_at=None, unit__isnull=False
    )
    rows = list(ready.order_by("pk").values_list("pk", "unit_id"))
    if not rows:
        raise WrongState(_("There is nothing new to report."))
    Evaluation.objects.filter(pk__in=[pk for pk, _unit_id in rows]).update(reported_at=at)
    counts: dict[int, int] = {}
    for _pk, unit_id in rows:
        counts[unit_id or 0] = counts.get(unit_id or 0, 0) + 1
    for unit in Unit.objects.filter(pk__in=counts):
        _tell_unit(unit, branch.pk, branch.name, year, counts[unit.pk], at=at)
    record_access(actor, "evaluations_reported", branch, ip, at=at, year=year, count=len(rows))
    return len(rows)


def _tell_unit(unit: Unit, branch_id: int, branch: str, year: int, count: int, *, at: dt.datetime) -> None:
    tell(
        users_in(unit.pk, on=timezone.localdate(at), roles=[Role.UNIT_HEAD]),
        kind="evaluations_reported",
        source=f"evaluations:{unit.pk}:{year}:{branch_id}:{at.timestamp():.0f}",
        url=reverse("party:evaluation_report", args=[unit.pk, year]),
        at=at,
        branch=branch,
        year=year,
        count=count,
    )


def _check_year(year: int, *, at: dt.datetime) -> None:
    """Grades are given for the year that runs, or for the one before it."""
    this_year = timezone.localdate(at).year
    if not this_year - 1 <= year <= this_year:
        raise Invalid(_("Grades are given for this year or the last."), field="year")
