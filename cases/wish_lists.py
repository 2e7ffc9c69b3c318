"""Lists around wishes: one's claims, what waits for a branch, needs by place, what resources meet them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Prefetch, Q, QuerySet

from cases.models import Case, Claim, Clock, Wish
from cases.queries import ClockFace, ball
from cases.wishes import wall, where_of
from cases.workflow import Kind, State
from grids.models import Place
from partymembers.access import Access
from partymembers.models import Member, Resource, User, Volunteer

#: So many claims at most stand above the wall; a person has three at a time, a unit may have more.
MOST_SHOWN = 12
#: So many resources at most are named beside one need.
MOST_OFFERED = 3
#: So many people are offered at a time when a wish is assigned.
MOST_PEOPLE = 30
#: What the claimer does next in each state: the card's one button.
NEXT_DEED = {State.CONFIRMED: "begin", State.BEGUN: "deliver"}


@dataclass(frozen=True)
class ClaimCard:
    """A claim of one's own, or of one's unit or branch, with its clock and the next deed."""

    claim: Claim
    case: Case
    where: str
    clock: ClockFace | None
    deed: str
    for_whom: str


def claims_of(user: User, access: Access) -> QuerySet[Claim]:
    """Every claim of somebody, and of the units and branches they act for, newest first."""
    own = Q(user=user) | Q(unit__in=access.unit_ids) | Q(branch__in=access.branch_ids)
    live = Prefetch("case__clocks", Clock.objects.filter(stopped_at=None), to_attr="live_clocks")
    return (
        Claim.objects.filter(own, case__is_test=access.is_sandbox)
        .select_related("unit", "branch", "case__wish", "case__matter")
        .select_related("case__community", "case__street", "case__compound")
        .defer("case__search_terms", "case__description", "case__reporter_name", "case__reporter_phone")
        .defer("case__address", "case__community__boundary", "case__street__boundary")
        .prefetch_related(live)
        .order_by("-pk")
    )


def claims_at_hand(user: User, access: Access) -> QuerySet[Claim]:
    """Those that stand, but for what waits for the asker's rating."""
    return claims_of(user, access).filter(ended_at=None, delivered_at=None)


def cards_of(claims: Iterable[Claim], *, now: datetime) -> list[ClaimCard]:
    """The claims as cards; asks nothing."""
    return [_card(claim, now) for claim in claims]


def _card(claim: Claim, now: datetime) -> ClaimCard:
    case, stands = claim.case, claim.ended_at is None
    return ClaimCard(
        claim=claim,
        case=case,
        where=where_of(case),
        clock=ball(case, now=now) if stands else None,
        deed=NEXT_DEED.get(State(case.state), "") if stands else "",
        for_whom=str(claim.unit or claim.branch or ""),
    )


def by_urgency(cards: Iterable[ClaimCard]) -> list[ClaimCard]:
    """What can be done now first, the least time left first."""
    return sorted(cards, key=lambda c: (not c.deed, c.clock.due_at if c.clock else c.claim.claimed_at))


def branch_wishes(access: Access, *, state: State) -> QuerySet[Wish]:
    """What waits for the committees that somebody sits in: claims to confirm, or wishes left to them."""
    mine = Q(pk__in=[])
    for grant in access.branches:
        mine |= Q(branch__path__startswith=grant.path)
    rows = Wish.objects.filter(mine, case__kind=Kind.WISH, case__state=state, case__is_test=access.is_sandbox)
    if state == State.PUBLISHED:
        rows = rows.filter(left_to_branch_at__isnull=False)
    standing = Claim.objects.filter(ended_at=None).select_related("user", "unit", "branch")
    live = Clock.objects.filter(stopped_at=None)
    return (
        rows.select_related("branch", "case__matter", "case__community", "case__street", "case__compound")
        .prefetch_related(
            "skills",
            Prefetch("case__claims", standing, to_attr="standing_claims"),
            Prefetch("case__clocks", live, to_attr="live_clocks"),
        )
        .only(
            *("title", "text", "points", "deliver_by", "published_at", "left_to_branch_at", "branch__name"),
            *("case__number", "case__state", "case__kind", "case__matter__name", "case__compound__name"),
            *("case__community__name", "case__street__name"),
        )
        .order_by("deliver_by", "pk")
    )


@dataclass
class Need:
    """An open wish on the list of needs, with offers that may meet it."""

    wish: Wish
    number: str
    kind: str
    offers: list[Resource] = field(default_factory=list)


@dataclass
class NeedsOfPlace:
    """The open wishes of one compound, or of a community outside every compound."""

    name: str
    community: str
    needs: list[Need] = field(default_factory=list)


def needs_by_place(city_id: int, *, on: date, place: Place | None = None) -> list[NeedsOfPlace]:
    """The list of needs 需求清单: what waits for somebody, compound by compound; three queries."""
    rows = wall(city_id, on=on)
    if place is not None:
        rows = rows.filter(case__place__path__startswith=place.path)
    rows = rows.order_by("case__community__path", "case__compound__name", "deliver_by", "pk")
    wishes = list(rows.only(*_NEED_FIELDS))
    offered = _offers({skill.pk for wish in wishes for skill in wish.skills.all()}, on=on)
    groups: dict[tuple[int | None, int | None], NeedsOfPlace] = {}
    for wish in wishes:
        case = wish.case
        group = groups.setdefault(
            (case.community_id, case.compound_id),
            NeedsOfPlace(where_of(case), case.community.name if case.community else ""),
        )
        offers = _meeting(wish, case.community, case.compound_id, offered)
        group.needs.append(Need(wish, case.number, case.matter.name, offers[:MOST_OFFERED]))
    return list(groups.values())


_NEED_FIELDS = (
    *("title", "text", "points", "deliver_by", "left_to_branch_at"),
    *("case__number", "case__state", "case__kind", "case__city_id", "case__matter__name"),
    *("case__compound__name", "case__community__name", "case__community__path", "case__street__name"),
)


def _offers(skill_ids: set[int], *, on: date) -> dict[int, list[Resource]]:
    """Standing offers by skill, of each what everybody may read; one query."""
    in_force = Q(ends_on__isnull=True) | Q(ends_on__gte=on)
    rows = (
        Resource.objects.filter(in_force, skill__in=skill_ids, withdrawn_at=None)
        .select_related("place", "compound", "unit", "branch", "skill")
        .only(
            *("title", "skill__name", "place__name", "place__path", "compound__name"),
            *("unit__name", "branch__name", "offered_at"),
        )
    )
    found: dict[int, list[Resource]] = defaultdict(list)
    for resource in rows:
        found[resource.skill_id or 0].append(resource)
    return found


def _meeting(
    wish: Wish, community: Place | None, compound_id: int | None, offered: dict[int, list[Resource]]
) -> list[Resource]:
    """Offers of a skill that the wish needs, made to its compound, its community or a place above."""
    path = community.path if community is not None else ""
    return [
        resource
        for skill in wish.skills.all()
        for resource in offered.get(skill.pk, [])
        if path.startswith(resource.place.path) and resource.compound_id in (None, compound_id)
    ]


def resources_for_wish(case: Case, *, on: date) -> Sequence[Resource]:
    """What the desk and the branch may call on for a wish; one query, none where it needs no skill."""
    skills = {skill.pk for skill in case.wish.skills.all()}
    if not skills:
        return []
    return _meeting(case.wish, case.community, case.compound_id, _offers(skills, on=on))


@dataclass(frozen=True)
class Candidate:
    """Somebody to whom the branch may give a wish."""

    user: User
    where: str
    fits: bool


def candidates(case: Case, *, words: str = "") -> QuerySet[User]:
    """Whom desk or branch may choose: the branch's members, those checked in there, and its volunteers."""
    branch, community = case.wish.branch, case.community
    members, volunteers = Q(pk__in=[]), Q(pk__in=[])
    if branch is not None:
        members = Q(home_branch__path__startswith=branch.path) | Q(
            checkin_branch__path__startswith=branch.path
        )
        place = branch.place
        if place is not None:
            volunteers = Q(community__path__startswith=place.path)
    elif community is not None:
        members = Q(checkin_branch__place=community)
        volunteers = Q(community=community)
    people = User.objects.filter(
        Q(pk__in=Member.objects.filter(members, left_on=None).values("user"))
        | Q(pk__in=Volunteer.objects.filter(volunteers, left_at=None).values("user")),
        disabled_at=None,
    ).exclude(pk=case.reporter_id or 0)
    if words := words.replace("\x00", "").strip():
        people = people.filter(
            Q(name__icontains=words)
            | Q(volunteer__skills__name__icontains=words)
            | Q(member__home_branch__name__icontains=words)
        )
    return people.order_by("name", "pk").distinct()


def described(people: Iterable[User], case: Case) -> list[Candidate]:
    """The people with their branch or community, those whose skills fit first; two queries."""
    ids = [user.pk for user in people]
    wanted = {skill.pk for skill in case.wish.skills.all()}
    branches = dict(Member.objects.filter(user__in=ids).values_list("user", "home_branch__name"))
    given = Volunteer.objects.filter(user__in=ids, left_at=None)
    communities = dict(given.values_list("user", "community__name"))
    skilled = set(given.filter(skills__in=wanted).values_list("user", flat=True)) if wanted else set()
    rows = [
        Candidate(user, branches.get(user.pk) or communities.get(user.pk) or "", user.pk in skilled)
        for user in people
    ]
    return sorted(rows, key=lambda row: not row.fits)
