"""Who stands how to a wish, who may see its asker, and what the wall shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import ExpressionWrapper, F, FloatField, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from cases.actors import Actor, PublicReporter, System
from cases.models import Case, Claim, Wish
from cases.standpoint import standpoint
from cases.workflow import Kind, Relation, State
from governance.common.remembering import remembered
from partymembers.access import NOTHING, Access, access_of
from partymembers.models import Branch, BranchLevel, Member, User, Volunteer

#: States in which the claimer knows whom they help; after the end they still do.
_ASKER_IS_KNOWN = (State.CONFIRMED, State.BEGUN, State.DELIVERED, State.CLOSED)


def standing_claim(case: Case) -> Claim | None:
    """The claim that stands, if any; reads `case.claims`, which actions have at hand."""
    return next((claim for claim in case.claims.all() if claim.ended_at is None), None)


def last_claim(case: Case) -> Claim | None:
    """The claim that stands, or by which the wish was fulfilled."""
    kept = [c for c in case.claims.all() if c.ended_at is None or c.ending == Claim.Ending.COMPLETED]
    return kept[-1] if kept else None


def is_claimer(user: User, claim: Claim | None, access: Access) -> bool:
    """Whether the claim is this person's own, or their unit's or branch's."""
    if claim is None:
        return False
    return (
        claim.user_id == user.pk
        or (claim.unit_id is not None and access.in_unit(claim.unit_id))
        or (claim.branch_id is not None and claim.branch_id in access.branch_ids)
    )


def wish_relations(user: User, access: Access, case: Case) -> Iterable[Relation]:
    """How somebody stands to a wish beside desk, place and report."""
    if access is NOTHING:
        return
    if is_claimer(user, last_claim(case), access):
        yield Relation.CLAIMER
    branch = case.wish.branch
    if branch is not None and access.leads_branch(branch.path):
        yield Relation.BRANCH
    # Also when it is taken: whoever comes too late learns that somebody was faster.
    if case.wish.published_at and may_help(user, access, case):
        yield Relation.HELPER


def may_help(user: User, access: Access, case: Case) -> bool:
    """Whether somebody may take this wish on: a helper of its city who has not asked for it."""
    if case.reporter_id == user.pk or access.is_sandbox != case.is_test or not is_helper(user, access):
        return False
    return case.city_id == remembered(("city", user.pk), lambda: standpoint(user, access).city_id)


def is_helper(user: User, access: Access) -> bool:
    """Members, volunteers, and people of a unit or a branch's committee may claim; officers never."""
    if access is NOTHING or access.officer_roles:
        return False
    return bool(access.unit_ids or access.branches) or remembered(
        ("helper", user.pk), lambda: is_registered(user)
    )


def is_registered(user: User) -> bool:
    """Whether somebody is a Party member or a registered volunteer: points are for them."""
    return (
        Member.objects.filter(user=user, left_on=None).exists()
        or Volunteer.objects.filter(user=user, left_at=None).exists()
    )


def sees_asker(actor: Actor, case: Case, *, at: datetime, access: Access | None = None) -> bool:
    """Whether the actor may read the asker's own words, name, phone and door.

    The desk that holds the wish and those above; the asker; the claimer from the confirmation on. Nobody
    else, whatever else of the place they may see.
    """
    if isinstance(actor, System):
        return True
    if isinstance(actor, PublicReporter):
        return actor.case_id == case.pk
    if access is None:
        access = access_of(actor, on=timezone.localdate(at))
    if access.is_sandbox != case.is_test:
        return False
    if case.reporter_id == actor.pk:
        return True
    if access.is_desk_of(case.desk.path) or access.is_desk_above(case.desk.path):
        return True
    return case.state in _ASKER_IS_KNOWN and is_claimer(actor, last_claim(case), access)


def asker_name(case: Case) -> str:
    """Whom the wish is for: who was named, else who asked with an account; empty for neither."""
    return case.reporter_name or (case.reporter.name if case.reporter is not None else "")


def asker_phone(case: Case) -> str:
    """The asker's phone; on somebody's behalf it is never that of the worker who asked."""
    own = case.reporter.phone if case.reporter is not None and not case.reporter_name else ""
    return case.reporter_phone or own or ""


def branch_for(case: Case) -> Branch | None:
    """The committee that a wish falls to: of its community, else of the nearest place above; one query."""
    places = [case.community_id, case.street_id, case.district_id, case.city_id]
    levels = (BranchLevel.COMMUNITY, BranchLevel.STREET, BranchLevel.CITY)
    found = Branch.objects.filter(
        place__in=[pk for pk in places if pk], level__in=levels, dissolved_on=None
    ).order_by("path")
    by_place = {branch.place_id: branch for branch in found}
    return next((by_place[pk] for pk in places if pk in by_place), None)


#: On the wall with the wishes that wait: somebody has them, and they stand there in grey.
TAKEN = (State.CLAIMED, State.CONFIRMED, State.BEGUN)
#: States in which the public half may be read by whoever may help: on the wall, and after it.
SHOWN = (State.PUBLISHED, *TAKEN, State.DELIVERED, State.CLOSED)


def wall(city_id: int, *, on: date, with_taken: bool = False) -> QuerySet[Wish]:
    """Wishes that wait for somebody, the most urgent first. Of the order only what names nobody is read.

    `centre_lng` and `centre_lat` are the compound's, else the community's: never where the asker lives.
    `with_taken` adds what somebody has claimed and not delivered yet. No test hangs there.
    """
    states = (State.PUBLISHED, *TAKEN) if with_taken else (State.PUBLISHED,)
    return (
        Wish.objects.filter(
            Q(deliver_by__gte=on),
            case__kind=Kind.WISH,
            case__state__in=states,
            case__city=city_id,
            case__is_test=False,
        )
        .select_related("case__matter", "case__community", "case__street", "case__compound")
        .prefetch_related("skills")
        .annotate(centre_lng=_centre("lng", "west", "east"), centre_lat=_centre("lat", "south", "north"))
        .only(
            *("title", "text", "points", "deliver_by", "published_at", "left_to_branch_at"),
            *("case__number", "case__state", "case__kind", "case__city_id"),
            *("case__matter__code", "case__matter__name", "case__compound__name"),
            *("case__community__name", "case__street__name"),
        )
        .order_by("deliver_by", "pk")
    )


def _centre(position: str, low: str, high: str) -> Coalesce:
    drawn = (F(f"case__community__{low}") + F(f"case__community__{high}")) / 2
    return Coalesce(
        F(f"case__compound__{position}"),
        F(f"case__community__{position}"),
        ExpressionWrapper(drawn, output_field=FloatField()),
    )


def where_of(case: Case) -> str:
    """Where a wish is from as everybody may read it: the compound, else the community, else the street."""
    place = case.compound or case.community or case.street
    return place.name if place is not None else ""
