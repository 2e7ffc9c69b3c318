"""Coming and going by an activity's code, the sheet with the code, and forgotten check-ins put right."""

from __future__ import annotations

from typing import Any

import segno
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from governance.common.errors import NotVisible
from governance.common.methods import require_form
from partymembers.actions.attendance import EARLY, arrive, correct_attendance, leave, minutes_served
from partymembers.audit import address_of
from partymembers.models import SignUp
from partymembers.volunteering import shown_activities
from partymembers.web.doors import do, user_of
from partymembers.web.service.activities import run_by
from partymembers.web.service.forms import AttendanceForm
from partymembers.web.service.pages import Words, form_page, show


def drawing_of(url: str) -> SafeString:
    """The code of an address, drawn as paths."""
    drawn = segno.make(url, error="q", micro=False).svg_inline(border=2, omitsize=True)
    return mark_safe(drawn)  # noqa: S308  our own address


@never_cache
@login_required
@require_form
def scan(request: HttpRequest, token: str) -> HttpResponse:
    """What the code leads to: one button, first to arrive, then to leave. Opening the page does nothing."""
    user = user_of(request)
    found = shown_activities(user).filter(token=token).first()
    if found is None:
        raise NotVisible
    if request.method == "POST":
        return _step(request, token)
    now = timezone.now()
    mine = SignUp.objects.filter(activity=found, user=user, cancelled_at=None).first()
    is_in = mine is not None and mine.arrived_at is not None
    context = {
        "activity": found,
        "mine": mine,
        "is_in": is_in,
        "is_done": mine is not None and mine.left_at is not None,
        "minutes": minutes_served(found, mine) if mine else 0,
        "is_open": found.cancelled_at is None and found.starts_at - EARLY <= now < found.ends_at,
    }
    return show(request, "scan", context)


def _step(request: HttpRequest, token: str) -> HttpResponse:
    """The button says which step it is, so that a press sent twice is not taken for leaving."""
    user, to = user_of(request), reverse("service:scan", args=[token])
    if request.POST.get("step") == "leave":
        return do(
            request,
            lambda at: leave(token=token, user=user, at=at),
            done=_("You have checked out. Thank you!"),
            to=to,
        )
    return do(
        request,
        lambda at: arrive(token=token, user=user, at=at),
        done=_("You are checked in. Scan the code again when you leave."),
        to=to,
    )


@login_required
@require_safe
def activity_code(request: HttpRequest, activity_id: int) -> HttpResponse:
    """The code on a sheet to put up, for those who run the activity."""
    found = run_by(request, activity_id)
    url = request.build_absolute_uri(reverse("service:scan", args=[found.token]))
    return show(request, "code", {"activity": found, "drawing": drawing_of(url), "url": url})


@login_required
@require_form
def attendance(request: HttpRequest, activity_id: int, sign_up_id: int) -> HttpResponse:
    """Put somebody's coming and going right."""
    run_by(request, activity_id)
    rows = SignUp.objects.select_related("activity", "user")
    mine = rows.filter(pk=sign_up_id, activity=activity_id, cancelled_at=None).first()
    if mine is None:
        raise NotVisible
    back = reverse("service:activity", args=[activity_id])
    words = Words(
        title=_("Put the attendance right"),
        submit=_("Save"),
        back=back,
        done=_("Hours and points follow the new times."),
        note=_(
            "Leave both times empty if they were not there. What you enter is recorded in the audit trail."
        ),
        facts=((_("Volunteer"), mine.user.name), (_("Activity"), mine.activity.title)),
    )

    def act(typed: dict[str, Any]) -> str:
        correct_attendance(
            sign_up_id=sign_up_id,
            actor=user_of(request),
            at=timezone.now(),
            ip=address_of(request),
            **typed,
        )
        return back

    form = AttendanceForm(request.POST or None, initial=AttendanceForm.of(mine))
    return form_page(request, form, act, words)
