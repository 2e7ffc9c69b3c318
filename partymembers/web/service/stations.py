"""Stations: what is on the shelf, and the counter where it is handed over for points."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import DomainError, Invalid, NotVisible
from governance.common.methods import require_form
from governance.common.typed import row_id, words
from partymembers.actions.points import cancel_redemption, redeem_item
from partymembers.actions.stations import change_stock
from partymembers.audit import address_of, read_personal
from partymembers.keepers import is_desk_over
from partymembers.ledger import balance_of
from partymembers.listings import moves_of, stations_in
from partymembers.middleware import access_for
from partymembers.models import Redemption, Station, StationItem, User
from partymembers.web.doors import do, user_of
from partymembers.web.service.forms import LookUpForm, ReasonForm, StockForm
from partymembers.web.service.pages import Words, form_page, scope_for, show
from partymembers.web.service.points import holder_of

#: Whoever was found stays at the counter so long.
SERVED_SECONDS = 1800
SERVED_SALT = "gezhi.points.counter"
MOST = 200


@login_required
@require_safe
def stations(request: HttpRequest) -> HttpResponse:
    """Stations of a place and below, with what is on the shelf."""
    scope = scope_for(request)
    rows = list(stations_in(scope.chosen)[:MOST]) if scope else []
    context = {"scope": scope, "stations": rows, "balance": balance_of(user_of(request))}
    return show(request, "stations", context)


@login_required
@require_safe
def station(request: HttpRequest, station_id: int) -> HttpResponse:
    """One station; who keeps it finds counter and stock here."""
    found = _station(station_id)
    context = {
        "station": found,
        "items": found.items.filter(is_offered=True),
        "keeps": is_desk_over(access_for(request), found.place.path),
        "balance": balance_of(user_of(request)),
    }
    return show(request, "station", context)


@login_required
@require_form
def stock(request: HttpRequest, item_id: int) -> HttpResponse:
    """What came in, or went out otherwise than for points."""
    item = StationItem.objects.select_related("station__place").filter(pk=item_id).first()
    if item is None:
        raise NotVisible
    kept = _kept(request, item.station_id)
    back = reverse("service:station", args=[kept.pk])
    words = Words(
        title=_("Change the stock"),
        submit=_("Save"),
        back=back,
        done=_("The stock is changed."),
        note=_("The change is recorded in the audit trail."),
        facts=((_("Item"), item.name), (_("In stock"), str(item.stock))),
    )

    def act(typed: dict[str, Any]) -> str:
        change_stock(
            item_id=item_id, actor=user_of(request), at=timezone.now(), ip=address_of(request), **typed
        )
        return back

    return form_page(request, StockForm(request.POST or None), act, words)


@never_cache
@login_required
@require_form
def counter(request: HttpRequest, station_id: int) -> HttpResponse:
    """Find who stands at the counter, by name and phone tail or by their code; then hand over."""
    found = _kept(request, station_id)
    form = LookUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            holder = _holder_at(form.cleaned_data["name"], form.cleaned_data["tail"])
        except DomainError as error:
            form.add_domain_error(error)
        else:
            _trace(request, holder)
            return redirect(_served_url(found, holder))
    context: dict[str, Any] = {"station": found, "form": form}
    if who := request.GET.get("who", ""):
        context |= _at_the_counter(request, found, who)
    return show(request, "counter", context, status=400 if form.is_bound else 200)


def _at_the_counter(request: HttpRequest, station: Station, who: str) -> dict[str, Any]:
    holder, access = holder_of(who, salt=SERVED_SALT, seconds=SERVED_SECONDS), access_for(request)
    moves = moves_of(holder)
    own = [m.pk for m in moves if m.place is not None and is_desk_over(access, m.place.path)]
    return {
        "holder": holder,
        "who": who,
        "is_oneself": holder.pk == user_of(request).pk,
        "balance": balance_of(holder),
        "items": station.items.filter(is_offered=True),
        "moves": moves,
        "kept_moves": own,
        "receipt": secrets.token_urlsafe(12),
    }


@never_cache
@login_required
@require_safe
def counter_code(request: HttpRequest, code: str) -> HttpResponse:
    """What a person's code leads to: the counter of the reader's station. To others it does not exist."""
    access = access_for(request)
    rows = Station.objects.filter(closed_on=None).select_related("place").order_by("name", "pk")
    kept = [each for each in rows if is_desk_over(access, each.place.path)]
    if not kept:
        raise NotVisible
    holder = holder_of(code)
    _trace(request, holder)
    offered = [(each, _served_url(each, holder)) for each in kept[:MOST]]
    if len(offered) == 1:
        return redirect(offered[0][1])
    return show(request, "counter_choice", {"offered": offered})


def _holder_at(name: str, tail: str) -> User:
    """Exactly one person of this name and tail. Raises Invalid, without saying which of both was wrong."""
    found = list(User.objects.filter(name=name.strip(), phone__endswith=tail, disabled_at=None)[:2])
    if len(found) != 1:
        raise Invalid(_("Nobody was found, or more than one. Scan their code instead."), field="name")
    return found[0]


def _trace(request: HttpRequest, holder: User) -> None:
    """Looking into somebody's account leaves a trace."""
    ip = address_of(request)
    read_personal(user_of(request), what="points", value="", target=holder, at=timezone.now(), ip=ip)


def _served_url(station: Station, holder: User) -> str:
    return _counter_url(station, signing.dumps(holder.pk, salt=SERVED_SALT))


def _counter_url(station: Station, who: str) -> str:
    """The counter with the person who was found there; without one, with the empty form."""
    url = reverse("service:counter", args=[station.pk])
    return f"{url}?{urlencode({'who': who})}" if who else url


@login_required
@require_POST
def redeem(request: HttpRequest, station_id: int) -> HttpResponse:
    """Hand one item over."""
    found, who = _kept(request, station_id), request.POST.get("who", "")
    holder = holder_of(who, salt=SERVED_SALT, seconds=SERVED_SECONDS)
    item = found.items.filter(pk=row_id(request.POST.get("item", "")) or 0).first()
    if item is None:
        raise NotVisible
    receipt = f"{words(request.POST.get('receipt', ''), most=30)}:{item.pk}"
    return do(
        request,
        lambda at: redeem_item(user=holder, item_id=item.pk, by=user_of(request), at=at, receipt=receipt),
        done=_("“%(item)s” is handed over for %(points)d points.")
        % {"item": item.name, "points": item.points},
        to=_counter_url(found, who),
    )


@login_required
@require_form
def redemption_cancel(request: HttpRequest, redemption_id: int) -> HttpResponse:
    """Take an item back: points and stock return."""
    rows = Redemption.objects.select_related("item__station__place", "user")
    found = rows.filter(pk=redemption_id).first()
    if found is None:
        raise NotVisible
    kept = _kept(request, found.item.station_id)
    back = _counter_url(kept, request.GET.get("who", ""))  # never a new one: that would look up untraced
    words = Words(
        title=_("Take an item back"),
        submit=_("Take back"),
        back=back,
        done=_("Taken back: the points have returned."),
        facts=((_("Item"), found.item.name), (_("Points"), str(found.points))),
        is_danger=True,
    )

    def act(typed: dict[str, Any]) -> str:
        cancel_redemption(
            redemption_id=redemption_id,
            by=user_of(request),
            reason=typed["reason"],
            at=timezone.now(),
            ip=address_of(request),
        )
        return back

    return form_page(request, ReasonForm(request.POST or None), act, words)


def _station(station_id: int) -> Station:
    found = Station.objects.select_related("place").filter(pk=station_id, closed_on=None).first()
    if found is None:
        raise NotVisible
    return found


def _kept(request: HttpRequest, station_id: int) -> Station:
    """The station, for the desk that keeps it; to others its counter does not exist. Raises NotVisible."""
    found = _station(station_id)
    if not is_desk_over(access_for(request), found.place.path):
        raise NotVisible
    return found
