"""The points ledger: awards, corrections, redemptions. Every write is one balanced transaction.

Who earns what is data (`EarningRule`). An award counts once per (person, source, source id), whatever is
repeated or runs at once; a correction is a transaction of its own. The books themselves are kept by the
database (migration 0004), so no code path can unbalance them.

Locks are taken in one order, account before item, so that two desks never wait for each other.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from grids.models import Place
from partymembers.audit import record_access
from partymembers.keepers import home_of, require_desk, require_keeper
from partymembers.models import (
    EarningRule,
    PointsAccount,
    PointsEntry,
    PointsTransaction,
    Redemption,
    StationItem,
    User,
)

_Kind = PointsTransaction.Kind


@transaction.atomic
def award_points(
    *,
    user: User,
    rule_code: str,
    source: str,
    source_id: str | int,
    what: str,
    at: dt.datetime,
    by: User | None = None,
    stated: int | None = None,
    minutes: int = 60,
    place: Place | None = None,
    renews: str = "",
) -> PointsTransaction | None:
    """Credit a person by an earning rule, once for this source; a repeat returns the first transaction.

    `renews`: source ids that begin so are of the same deed, awarded before and taken back. What could not be
    taken back of them, because it was spent, is not given a second time.
    `stated` are the points that an order promises (never more than the rule's), `minutes` those served
    where the rule counts hours; parts of a point are dropped. None where the rule is switched off, the day's
    cap is used up or nothing is due. Whether `by` may award is for the action that calls this to say.
    Raises NotAllowed when somebody would award themselves, Invalid for an unknown rule.
    """
    if by is not None and by.pk == user.pk:
        raise NotAllowed(_("Nobody can award points to themselves."))
    rule = EarningRule.objects.filter(code=rule_code).first()
    if rule is None:
        raise Invalid(_("There is no earning rule “%(code)s”.") % {"code": rule_code}, field="rule")
    account = _locked_account(user)
    first = PointsTransaction.objects.filter(user=user, source=source, source_id=str(source_id)).first()
    if first is not None:
        return first
    kept = _kept(user, source, renews) if renews else 0
    amount = _capped(rule, user, _due(rule, stated, minutes) - kept, at)
    if amount <= 0:
        return None
    moved = _open(_Kind.AWARD, user, source, source_id, what, at=at, by=by, rule=rule, place=place)
    _move(moved, account, amount, PointsAccount.Kind.ISSUED)
    return moved


@transaction.atomic
def correct_points(
    *, transaction_id: int, reason: str, at: dt.datetime, by: User | None = None, ip: str | None = None
) -> PointsTransaction | None:
    """Take an award back by a compensating transaction; a repeat returns the first correction.

    A balance never goes below zero: where points were spent meanwhile, only what is left is taken, and
    nothing is written (None) where nothing is left. `by` is desk or committee of the place where the points
    were earned, or of one above it, and never the person; None is the portal itself, when what earned the
    points no longer counts. Raises NotVisible, NotAllowed, Invalid or WrongState.
    """
    award = PointsTransaction.objects.select_related("user", "place").filter(pk=transaction_id).first()
    if award is None:
        raise NotVisible
    if by is not None:
        _require_corrector(by, award, at=at)
    if award.kind != _Kind.AWARD:
        raise WrongState(_("Only an award can be taken back."))
    why = _reason(reason)
    account = _locked_account(award.user)
    first = PointsTransaction.objects.filter(reverses=award).first()
    if first is not None:
        return first
    amount = min(amount_of(award), account.balance)
    if amount <= 0:
        return None
    moved = _take_back(award, why, at=at, by=by)
    _move(moved, account, -amount, PointsAccount.Kind.ISSUED)
    if by is not None:
        record_access(by, "points_corrected", award, ip, at=at, points=-amount, reason=why)
    return moved


@transaction.atomic
def redeem_item(*, user: User, item_id: int, by: User, at: dt.datetime, receipt: str = "") -> Redemption:
    """Hand an item over for points: the stock and the balance go down together.

    `by` staffs the desk of the station's community, or one above it, and nobody serves themselves. A form
    that is sent twice carries the same `receipt` and returns the first redemption.
    Raises NotVisible, NotAllowed, or WrongState when the item is gone, the points are too few, or what the
    receipt was for has been taken back.
    """
    if by.pk == user.pk:
        raise NotAllowed(_("Somebody else must hand it over to you."))
    account = _locked_account(user)
    item = _locked_item(item_id)
    require_desk(by, item.station.place, at=at)
    number = f"r:{receipt}"[:50] if receipt else _next_redemption(user)
    first = Redemption.objects.filter(transaction__user=user, transaction__source_id=number).first()
    if first is not None:
        if first.cancelled_at is not None:
            raise WrongState(_("This was taken back already."))  # an old page: nothing is handed over again
        return first
    _require_possible(item, account)
    item.stock -= 1
    item.save(update_fields=["stock"])
    place = item.station.place
    moved = _open(_Kind.REDEMPTION, user, "redemption", number, item.name, at=at, by=by, place=place)
    _move(moved, account, -item.points, PointsAccount.Kind.REDEEMED)
    return Redemption.objects.create(
        item=item, user=user, transaction=moved, points=item.points, at=at, by=by
    )


@transaction.atomic
def cancel_redemption(
    *, redemption_id: int, by: User, reason: str, at: dt.datetime, ip: str | None = None
) -> Redemption:
    """Give the points back and the item to the shelf, by a compensating transaction.

    `by` staffs the desk of the station's community, or one above it, and is not the person.
    Raises NotVisible, NotAllowed, Invalid without a reason, or WrongState.
    """
    found = Redemption.objects.select_related("user", "transaction__place", "transaction__user")
    redemption = found.filter(pk=redemption_id).first()
    if redemption is None:
        raise NotVisible
    if by.pk == redemption.user_id:
        raise NotAllowed(_("Nobody can award points to themselves."))
    account = _locked_account(redemption.user)
    item = _locked_item(redemption.item_id)
    require_desk(by, item.station.place, at=at)
    why = _reason(reason)
    redemption.refresh_from_db(fields=["cancelled_at"])
    if redemption.cancelled_at is not None:
        raise WrongState(_("This was taken back already."))
    item.stock += 1
    item.save(update_fields=["stock"])
    moved = _take_back(redemption.transaction, why, at=at, by=by)
    _move(moved, account, redemption.points, PointsAccount.Kind.REDEEMED)
    redemption.cancelled_at = at
    redemption.save(update_fields=["cancelled_at"])
    record_access(by, "redemption_cancelled", redemption, ip, at=at, reason=why)
    return redemption


def amount_of(moved: PointsTransaction) -> int:
    """What the transaction brought its person; negative where it took."""
    entry = PointsEntry.objects.filter(transaction=moved, account__kind=PointsAccount.Kind.PERSON).get()
    return entry.amount


def _due(rule: EarningRule, stated: int | None, minutes: int) -> int:
    if rule.per == EarningRule.Per.STATED:
        return min(rule.points if stated is None else max(stated, 0), rule.points)
    if rule.per == EarningRule.Per.HOUR:
        return rule.points * max(minutes, 0) // 60
    return rule.points


def _capped(rule: EarningRule, user: User, amount: int, at: dt.datetime) -> int:
    """What the day's cap leaves of it. Called under the account's lock, so two awards cannot both pass.

    What was taken back no longer counts; of an award taken back in part, the rest still does.
    """
    if not rule.is_active:
        return 0
    if not rule.cap_per_day:
        return amount
    day = timezone.localdate(at)
    awarded = Q(transaction__rule=rule, transaction__kind=_Kind.AWARD, transaction__day=day)
    taken_back = Q(transaction__reverses__rule=rule, transaction__reverses__day=day)
    entries = PointsEntry.objects.filter(awarded | taken_back, account__user=user)
    return min(amount, rule.cap_per_day - (entries.aggregate(sum=Sum("amount"))["sum"] or 0))


def _kept(user: User, source: str, prefix: str) -> int:
    """What the person still has of awards for one deed, after all that was taken back of them."""
    given = Q(transaction__source=source, transaction__source_id__startswith=prefix)
    back = Q(transaction__reverses__source=source, transaction__reverses__source_id__startswith=prefix)
    found = PointsEntry.objects.filter(given | back, account__user=user).aggregate(sum=Sum("amount"))
    return found["sum"] or 0


def _require_corrector(by: User, award: PointsTransaction, *, at: dt.datetime) -> None:
    if by.pk == award.user_id:
        raise NotAllowed(_("Nobody corrects their own points."))
    require_keeper(by, award.place or home_of(award.user), at=at)


def _reason(typed: str) -> str:
    why = typed.strip()
    if not why:
        raise Invalid(_("Please give a reason in a sentence."), field="reason")
    return why


def _require_possible(item: StationItem, account: PointsAccount) -> None:
    """Raises WrongState where the shelf or the account does not have enough."""
    if not item.is_offered or item.stock < 1 or item.station.closed_on is not None:
        raise WrongState(_("“%(item)s” is no longer in stock.") % {"item": item.name}, field="item")
    if account.balance < item.points:
        told = {"needed": item.points, "balance": account.balance}
        raise WrongState(_("It costs %(needed)d points; there are %(balance)d.") % told, field="item")


def _locked_item(item_id: int) -> StationItem:
    """The item's row, locked until the transaction ends. Raises NotVisible."""
    rows = StationItem.objects.select_for_update(of=("self",)).select_related("station__place")
    item = rows.filter(pk=item_id).first()
    if item is None:
        raise NotVisible
    return item


def _locked_account(user: User) -> PointsAccount:
    """The person's account, made at its first use, locked until the transaction ends."""
    PointsAccount.objects.get_or_create(user=user, kind=PointsAccount.Kind.PERSON)
    return PointsAccount.objects.select_for_update().get(user=user)


def _open(
    kind: str,
    user: User,
    source: str,
    source_id: str | int,
    what: str,
    *,
    at: dt.datetime,
    by: User | None,
    rule: EarningRule | None = None,
    place: Place | None = None,
    reverses: PointsTransaction | None = None,
) -> PointsTransaction:
    return PointsTransaction.objects.create(
        kind=kind,
        user=user,
        source=source,
        source_id=str(source_id),
        rule=rule,
        what=what[:200],
        at=at,
        day=timezone.localdate(at),
        by=by,
        place=place,
        reverses=reverses,
    )


def _take_back(moved: PointsTransaction, why: str, *, at: dt.datetime, by: User | None) -> PointsTransaction:
    return _open(
        _Kind.CORRECTION,
        moved.user,
        "correction",
        moved.pk,
        why,
        at=at,
        by=by,
        place=moved.place,
        reverses=moved,
    )


def _move(moved: PointsTransaction, account: PointsAccount, amount: int, other: str) -> None:
    """Write both sides; `other` is the portal's account on the far side."""
    far, _made = PointsAccount.objects.get_or_create(kind=other, user=None)
    PointsEntry.objects.create(transaction=moved, account=account, amount=amount)
    PointsEntry.objects.create(transaction=moved, account=far, amount=-amount)


def _next_redemption(user: User) -> str:
    """A number of its own for each redemption of a person; called under the account's lock."""
    return str(PointsTransaction.objects.filter(user=user, kind=_Kind.REDEMPTION).count() + 1)
