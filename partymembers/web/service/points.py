"""Points: one's own statement and code, the honours list, and an award taken back."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from governance.common.errors import Invalid, NotVisible, WrongState
from governance.common.methods import require_form
from governance.common.pagination import paginate
from governance.common.text import spreadsheet_safe
from partymembers.actions.points import amount_of, correct_points
from partymembers.audit import address_of
from partymembers.keepers import home_of, keeps_place
from partymembers.ledger import balance_of, honours, statement
from partymembers.middleware import access_for
from partymembers.models import Branch, Member, PointsEntry, PointsTransaction, User
from partymembers.web.doors import user_of
from partymembers.web.service.attendance import drawing_of
from partymembers.web.service.forms import ReasonForm
from partymembers.web.service.pages import Words, form_page, scope_for, show

PAGE_SIZE = 30
#: So many months back can be chosen.
MONTHS = 13
#: A person's code holds so long; then the page draws another.
CODE_SECONDS = 600
CODE_SALT = "gezhi.points.code"


@never_cache
@login_required
@require_safe
def points(request: HttpRequest) -> HttpResponse:
    """One's own statement: balance, what for, the balance after each."""
    user, month = user_of(request), _month(request)
    page = paginate(statement(user, month), order="-id", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    context = {"balance": balance_of(user), "page": page, "month": month, "months": _months()}
    return show(request, "points", context)


@never_cache
@login_required
@require_safe
def points_code(request: HttpRequest) -> HttpResponse:
    """One's own code, to be scanned at the counter; it holds for ten minutes."""
    user = user_of(request)
    code = signing.dumps(user.pk, salt=CODE_SALT)
    url = request.build_absolute_uri(reverse("service:counter_code", args=[code]))
    minutes = CODE_SECONDS // 60
    return show(
        request,
        "points_code",
        {"drawing": drawing_of(url), "balance": balance_of(user), "minutes": minutes},
    )


@never_cache
@login_required
@require_safe
def points_export(request: HttpRequest) -> HttpResponseBase:
    """The whole statement (or one month) as CSV; text is inert in a spreadsheet."""
    user, month = user_of(request), _month(request)
    rows = statement(user, month).order_by("-id")
    response = StreamingHttpResponse(_lines(rows.iterator(500)), content_type="text/csv; charset=utf-8")
    name = f"points-{month:%Y-%m}.csv" if month else "points.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


class _Echo:
    """A file that hands back what is written into it."""

    def write(self, text: str) -> str:
        return text


def _lines(rows: Iterator[PointsEntry]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # or a spreadsheet takes UTF-8 for the local code page
    header = [_("At"), _("Kind"), _("What for"), _("Rule"), _("Place"), _("Points"), _("Balance")]
    yield writer.writerow([spreadsheet_safe(str(each)) for each in header])
    for entry in rows:
        moved = entry.transaction
        texts = [moved.get_kind_display(), moved.what, str(moved.rule or ""), str(moved.place or "")]
        yield writer.writerow(
            [
                f"{timezone.localtime(moved.at):%Y-%m-%d %H:%M:%S}",
                *(spreadsheet_safe(text) for text in texts),
                entry.amount,
                entry.running,  # type: ignore[attr-defined]
            ]
        )


def _month(request: HttpRequest) -> dt.date | None:
    """The month that is asked for, as `2026-11`; None for all of them. Raises Invalid."""
    asked = request.GET.get("month", "")
    if not asked:
        return None
    try:
        return dt.datetime.strptime(asked, "%Y-%m").date()
    except ValueError as error:
        raise Invalid(_("Choose a month from the list."), field="month") from error


def _months() -> list[dt.date]:
    """This month and those before it, newest first."""
    day = timezone.localdate().replace(day=1)
    found = [day]
    while len(found) < MONTHS:
        day = (day - dt.timedelta(days=1)).replace(day=1)
        found.append(day)
    return found


@login_required
@require_safe
def honours_list(request: HttpRequest) -> HttpResponse:
    """光荣榜: who earned most in a month, in a place or among those checked in at one's branch."""
    user, access = user_of(request), access_for(request)
    month = _month(request) or timezone.localdate().replace(day=1)
    branch = _branch(request)
    by_branch = branch is not None and request.GET.get("by") == "branch"
    scope = scope_for(request)
    context: dict[str, Any] = {
        "month": month, "months": _months(), "scope": scope, "branch": branch, "by_branch": by_branch,
    }  # fmt: skip
    if by_branch:
        context["rows"] = honours(user, access, month, branch=branch)
    elif scope is not None:
        context["rows"] = honours(user, access, month, place=scope.chosen)
    return show(request, "honours", context)


def _branch(request: HttpRequest) -> Branch | None:
    """The branch whose list the reader may ask for: where they sit in the committee, or are checked in."""
    access = access_for(request)
    if access.branches:
        return Branch.objects.get(pk=access.branches[0].branch_id)
    rows = Member.objects.select_related("checkin_branch")
    member = rows.filter(user=user_of(request), left_on=None).first()
    return member.checkin_branch if member else None


@login_required
@require_form
def points_correct(request: HttpRequest, transaction_id: int) -> HttpResponse:
    """Take an award back: desk or committee of the place where it was earned."""
    award = _award(request, transaction_id)
    back = request.GET.get("next", "")
    back = back if back.startswith("/stations/") else reverse("service:hub")
    words = Words(
        title=_("Take points back"),
        submit=_("Take back"),
        back=back,
        note=_("What was spent already cannot be taken. The reason stands in the person's statement."),
        facts=(
            (_("Person"), award.user.name),
            (_("What for"), award.what),
            (_("Points"), str(amount_of(award))),
        ),
        is_danger=True,
    )

    def act(typed: dict[str, Any]) -> str:
        moved = correct_points(
            transaction_id=award.pk,
            reason=typed["reason"],
            by=user_of(request),
            at=timezone.now(),
            ip=address_of(request),
        )
        if moved is None:
            raise WrongState(_("These points are spent: nothing is left to take back."))
        taken = {"taken": -amount_of(moved), "given": amount_of(award)}
        messages.success(request, _("%(taken)d of %(given)d points are taken back.") % taken)
        return back

    return form_page(request, ReasonForm(request.POST or None), act, words)


def _award(request: HttpRequest, transaction_id: int) -> PointsTransaction:
    """An award within what the reader keeps, and not their own. Raises NotVisible."""
    rows = PointsTransaction.objects.select_related("user", "place")
    award = rows.filter(pk=transaction_id, kind=PointsTransaction.Kind.AWARD).first()
    if award is None or award.user_id == user_of(request).pk:
        raise NotVisible
    place = award.place or home_of(award.user)
    if place is None or not keeps_place(access_for(request), place.path):
        raise NotVisible
    return award


def holder_of(code: str, *, salt: str = CODE_SALT, seconds: int = CODE_SECONDS) -> User:
    """Whose code it is. Raises Invalid when it has run out or is not ours."""
    try:
        return User.objects.get(pk=signing.loads(code, salt=salt, max_age=seconds), disabled_at=None)
    except (signing.BadSignature, User.DoesNotExist, ValueError, TypeError) as error:
        raise Invalid(_("This code has run out. Ask for a fresh one.")) from error
