"""What a fulfilled wish brings its claimer: points and a line in their service record, and back again."""

from __future__ import annotations

from datetime import datetime

from cases.models import Case, Claim
from cases.wishes import last_claim
from governance.common.errors import DomainError
from partymembers.actions.points import award_points, correct_points
from partymembers.actions.service import cancel_service, record_service
from partymembers.models import EarningRule, PointsTransaction, ServiceRecord

RULE = "wish"
SOURCE = "wish"


def most_points() -> int:
    """The most points that one wish may promise."""
    rule = EarningRule.objects.filter(code=RULE, is_active=True).first()
    return rule.points if rule else 0


def credit(case: Case, *, at: datetime) -> None:
    """Points and service for who fulfilled the wish, once; a repeat changes nothing.

    After a correction it may be credited again: each award has a source id of its own. A test brings nothing.
    """
    if case.is_test:
        return
    claim = _fulfilled(case)
    given = PointsTransaction.objects.filter(
        user=claim.user, source=SOURCE, source_id__startswith=f"{case.pk}:"
    )
    award = given.filter(reversed_by=None, kind=PointsTransaction.Kind.AWARD).first()
    if award is None:
        award_points(
            user=claim.user,
            rule_code=RULE,
            source=SOURCE,
            source_id=f"{case.pk}:{given.count() + 1}",
            renews=f"{case.pk}:",
            what=case.wish.title,
            stated=case.wish.points,
            by=None,  # credited by the portal when the asker has rated, so by nobody in office
            at=at,
            place=case.community,
        )
    record_service(
        user=claim.user,
        kind=ServiceRecord.Kind.WISH,
        source=SOURCE,
        source_id=case.pk,
        what=case.wish.title,
        minutes=claim.minutes,
        at=claim.delivered_at or at,
        place=case.community,
        by=None,
    )


def take_back(case: Case, *, at: datetime) -> None:
    """The wish does not count as fulfilled (any more): compensate its award, cancel its service record."""
    if case.is_test:
        return
    claim = _fulfilled(case)
    given = PointsTransaction.objects.filter(
        user=claim.user,
        source=SOURCE,
        source_id__startswith=f"{case.pk}:",
        kind=PointsTransaction.Kind.AWARD,
        reversed_by=None,
    )
    for award in given:
        correct_points(transaction_id=award.pk, reason=case.wish.title, at=at)
    cancel_service(user=claim.user, source=SOURCE, source_id=case.pk, at=at)


def _fulfilled(case: Case) -> Claim:
    claim = last_claim(case)
    if claim is None:
        raise DomainError
    return claim
