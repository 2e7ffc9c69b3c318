"""The year's grades of a branch as its page shows them, and as its form brings them back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from governance.common.pagination import paginate
from governance.common.typed import row_id, words
from partymembers.branching import grades_of, minutes_of, to_evaluate
from partymembers.evaluating import distribution, reports_of
from partymembers.models import Branch, Evaluation, Member

PAGE_SIZE = 30


def grading_context(
    request: HttpRequest, branch: Branch, *, year: int, typed: dict[int, tuple[str, str]] | None = None
) -> dict[str, Any]:
    """The tab of the evaluations; `typed` are the grades of a form that was refused."""
    today = timezone.localdate()
    rows = to_evaluate(branch)
    cursor = request.GET.get("cursor", "")
    page = paginate(rows, order="id", cursor=cursor, size=PAGE_SIZE, count_up_to=1000)
    grades, minutes = grades_of(page.rows, year=year), minutes_of(page.rows, year=year)
    given = Evaluation.objects.filter(branch__path__startswith=branch.path, year=year)
    facts = list(given.values_list("grade", "reported_at", "unit_id"))
    return {
        "page": page,
        "lines": [
            _line(member, grades.get(member.pk), minutes.get(member.user_id, 0), typed or {})
            for member in page.rows
        ],
        "cursor": cursor,
        "chosen": year,
        "years": [today.year, today.year - 1],
        "grade_choices": Evaluation.Grade.choices,
        "distribution": distribution(grade for grade, _at, _unit in facts),
        "graded": len(facts),
        "to_report": sum(1 for _grade, at, unit in facts if at is None and unit is not None),
        "units": reports_of(branch, year=year)[:200],
    }


def _line(
    member: Member, known: Evaluation | None, minutes: int, typed: dict[int, tuple[str, str]]
) -> dict[str, Any]:
    grade, note = typed.get(member.pk) or ((known.grade, known.note) if known else ("", ""))
    return {
        "member": member,
        "known": known,
        "grade": grade,
        "note": note,
        "hours": round(minutes / 60, 1),
        "is_final": known is not None and known.reported_at is not None,
    }


def typed_grades(data: QueryDict) -> dict[int, tuple[str, str]]:
    """What the form says: member id → grade and remark.

    Members without a grade are left out, and those whose row is as the page showed it: whoever saves an old
    page does not undo what a colleague has corrected or reported since.
    """
    found: dict[int, tuple[str, str]] = {}
    for key in data:
        number = row_id(key.removeprefix("grade-")) if key.startswith("grade-") else None
        if number is not None and data[key]:
            note = words(str(data.get(f"note-{number}", "")), most=500)
            typed = (str(data[key])[:12], note)
            shown = (data.get(f"was-{number}"), words(str(data.get(f"was-note-{number}", "")), most=500))
            if typed != shown:
                found[number] = typed
    return found
