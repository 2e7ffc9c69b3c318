"""The lists of resources 资源清单 and of projects 项目清单 of a place."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from grids.models import Compound, Place
from partymembers.keepers import access_at, check_lengths, keeps_place, serves
from partymembers.models import Branch, Project, Resource, Skill, Unit, User
from partymembers.rules import locked_user

#: One person keeps so many offers open at most, so that a list is not filled by one hand.
MOST_OFFERS = 20
LONGEST_PROJECT = dt.timedelta(days=3 * 366)
_ENDED = (Project.State.DONE, Project.State.DROPPED)


@dataclass(frozen=True)
class Offer:
    """What is offered, to whom, in whose name; without unit and branch in one's own."""

    title: str
    place: Place
    description: str = ""
    skill: Skill | None = None
    compound: Compound | None = None
    unit: Unit | None = None
    branch: Branch | None = None
    ends_on: dt.date | None = None


@dataclass(frozen=True)
class Undertaking:
    """What a branch takes on for a place, who leads it, and until when."""

    title: str
    place: Place
    branch: Branch
    lead: User
    due_on: dt.date
    description: str = ""
    compound: Compound | None = None


@transaction.atomic
def offer_resource(*, offer: Offer, actor: User, at: dt.datetime) -> Resource:
    """Put something on the list of a place: volunteers, members, people of a unit or a committee.

    Raises NotAllowed, Invalid (field named), WrongState with too many offers open.
    """
    locked_user(actor.pk)
    _check_offer(offer, actor, at=at)
    if _standing_offers(actor, at=at) >= MOST_OFFERS:
        told = {"most": MOST_OFFERS}
        raise WrongState(_("You have %(most)d offers open. Withdraw one of them first.") % told)
    return Resource.objects.create(**_offer_fields(offer), offered_by=actor, offered_at=at)


@transaction.atomic
def change_resource(*, resource_id: int, offer: Offer, actor: User, at: dt.datetime) -> Resource:
    """Say it anew, by who offered it or for the same unit or branch. Raises as `offer_resource`."""
    resource = _open_resource(resource_id)
    if not offers(resource, actor, at=at):
        raise NotAllowed(_("Only those who offer it may change it."))
    _check_offer(offer, actor, at=at)
    for name, value in _offer_fields(offer).items():
        setattr(resource, name, value)
    resource.save()
    return resource


@transaction.atomic
def withdraw_resource(*, resource_id: int, actor: User, at: dt.datetime) -> Resource:
    """Take it off the list: who offers it, or desk and committee there. Raises NotAllowed, WrongState."""
    resource = _open_resource(resource_id)
    if not (offers(resource, actor, at=at) or keeps_place(access_at(actor, at), resource.place.path)):
        raise NotAllowed(_("Only those who offer it, or desk or committee of the place, may withdraw it."))
    resource.withdrawn_at = at
    resource.save(update_fields=["withdrawn_at"])
    return resource


def offers(resource: Resource, actor: User, *, at: dt.datetime) -> bool:
    """Whether the offer is the person's own; in a unit's or branch's name, of who acts for it now."""
    if resource.unit_id is None and resource.branch_id is None:
        return resource.offered_by_id == actor.pk
    access = access_at(actor, at)
    of_unit = resource.unit_id is not None and access.in_unit(resource.unit_id)
    return of_unit or (resource.branch_id is not None and resource.branch_id in access.branch_ids)


@transaction.atomic
def start_project(*, undertaking: Undertaking, actor: User, at: dt.datetime) -> Project:
    """Enter a project of a branch, by its committee or one above it. Raises NotAllowed, Invalid."""
    _require_committee(undertaking.branch, actor, at=at)
    _check_undertaking(undertaking, at=at)
    return Project.objects.create(
        title=undertaking.title.strip(),
        description=undertaking.description.strip(),
        place=undertaking.place,
        compound=undertaking.compound,
        branch=undertaking.branch,
        lead=undertaking.lead,
        due_on=undertaking.due_on,
        created_at=at,
        updated_at=at,
    )


@transaction.atomic
def report_progress(*, project_id: int, state: str, progress: str, actor: User, at: dt.datetime) -> Project:
    """Say how far it is; done and dropped are said once. By who leads it, or the committee.

    Raises NotAllowed, Invalid (field named), WrongState, NotVisible.
    """
    rows = Project.objects.select_for_update(of=("self",)).select_related("branch", "place", "lead")
    project = rows.filter(pk=project_id).first()
    if project is None:
        raise NotVisible
    if not may_report(project, actor, at=at):
        raise NotAllowed(_("Only who leads the project, or the committee of its branch, may do this."))
    if project.state in _ENDED:
        raise WrongState(_("This project has ended."))
    if state not in Project.State.values:
        raise Invalid(_("Please choose one."), field="state")
    words = progress.strip()
    check_lengths(Project, progress=words)
    if not words:
        raise Invalid(_("Please say in a sentence how far it is."), field="progress")
    project.state, project.progress, project.updated_at = state, words, at
    project.ended_at = at if state in _ENDED else None
    project.save(update_fields=["state", "progress", "updated_at", "ended_at"])
    return project


def may_report(project: Project, actor: User, *, at: dt.datetime) -> bool:
    """Whether somebody leads the project, or sits in the committee of its branch or of one above it."""
    return project.lead_id == actor.pk or access_at(actor, at).leads_branch(project.branch.path)


def _check_offer(offer: Offer, actor: User, *, at: dt.datetime) -> None:
    access = access_at(actor, at)
    if access.officer_roles or not (access.unit_ids or access.branches or serves(actor) or access.grants):
        raise NotAllowed(_("Register as a volunteer first."))
    if not offer.title.strip():
        raise Invalid(_("Please say what is offered."), field="title")
    check_lengths(Resource, title=offer.title, description=offer.description)
    if offer.unit is not None and not access.in_unit(offer.unit.pk):
        raise Invalid(_("You do not act for this unit."), field="unit")
    if offer.branch is not None and offer.branch.pk not in access.branch_ids:
        raise Invalid(_("You do not act for this branch."), field="branch")
    if offer.place.retired_on is not None:
        raise Invalid(_("This place is retired. Choose the one that followed it."), field="place")
    _check_compound(offer.compound, offer.place)
    if offer.ends_on is not None and offer.ends_on < timezone.localdate(at):
        raise Invalid(_("Choose a day to come."), field="ends_on")


def _standing_offers(actor: User, *, at: dt.datetime) -> int:
    on_the_list = Q(ends_on__isnull=True) | Q(ends_on__gte=timezone.localdate(at))
    return Resource.objects.filter(on_the_list, offered_by=actor, withdrawn_at=None).count()


def _check_compound(compound: Compound | None, place: Place) -> None:
    """A compound lies in the place, or the place (a grid) in the compound's community."""
    if compound is not None:
        community = compound.community.path
        if not (community.startswith(place.path) or place.path.startswith(community)):
            raise Invalid(_("This compound lies elsewhere."), field="compound")


def _offer_fields(offer: Offer) -> dict[str, object]:
    return {
        "title": offer.title.strip(),
        "description": offer.description.strip(),
        "skill": offer.skill,
        "place": offer.place,
        "compound": offer.compound,
        "unit": offer.unit,
        "branch": offer.branch,
        "ends_on": offer.ends_on,
    }


def _open_resource(resource_id: int) -> Resource:
    rows = Resource.objects.select_for_update(of=("self",)).select_related("place", "unit", "branch")
    resource = rows.filter(pk=resource_id).first()
    if resource is None:
        raise NotVisible
    if resource.withdrawn_at is not None:
        raise WrongState(_("This offer was withdrawn."))
    return resource


def _check_undertaking(undertaking: Undertaking, *, at: dt.datetime) -> None:
    if not undertaking.title.strip():
        raise Invalid(_("Please give the project a title."), field="title")
    check_lengths(Project, title=undertaking.title, description=undertaking.description)
    serving = undertaking.branch.place
    if serving is None or not undertaking.place.path.startswith(serving.path):
        raise Invalid(_("The branch does not serve this place."), field="place")
    _check_compound(undertaking.compound, undertaking.place)
    if undertaking.lead.disabled_at is not None:
        raise Invalid(_("This user is disabled. Enable them first."), field="lead")
    today = timezone.localdate(at)
    if not today <= undertaking.due_on <= today + LONGEST_PROJECT:
        raise Invalid(_("Choose a day to come, within three years."), field="due_on")


def _require_committee(branch: Branch, actor: User, *, at: dt.datetime) -> None:
    if branch.dissolved_on is not None or not access_at(actor, at).leads_branch(branch.path):
        raise NotAllowed(_("Only the branch's own committee, or one above it, may do this."))
