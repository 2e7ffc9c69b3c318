"""Posts and substitutes: given, shortened, never rewritten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotVisible
from grids.models import Place
from partymembers.audit import record_access
from partymembers.models import Branch, Post, Role, StaffChange, Substitution, Unit, User
from partymembers.rules import (
    check_apart,
    check_period,
    check_seat,
    check_separation,
    day_after,
    locked_user,
    overlapping,
    posts_within,
    require_enabled,
    require_officer,
    require_other,
    roles_acted_in,
)


@transaction.atomic
def give_post(
    *,
    user_id: int,
    role: Role,
    place: Place | None = None,
    unit: Unit | None = None,
    branch: Branch | None = None,
    starts_on: dt.date,
    ends_on: dt.date | None = None,
    employment: str = Post.Employment.FULL_TIME,
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Post:
    """Give somebody a role over a place, in a unit or branch, or as an officer, from one day to another.

    One person holds at most one officer's role, and no business post beside it (三员): checked with the
    user's row locked, so two grants at once cannot both pass. Raises Invalid, NotAllowed or WrongState.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    user = locked_user(user_id)
    require_other(actor, user)
    seat = {"place": place, "unit": unit, "branch": branch}
    post = Post(user=user, role=role, **seat, starts_on=starts_on, ends_on=ends_on)
    post.employment = employment
    check_post(post, posts_within(user, starts_on, ends_on), roles_acted_in(user, starts_on, ends_on))
    post.save()
    if ends_on is not None:
        end_of(post, ends_on, actor=actor, at=at).save()
    record_access(actor, "post_given", user, ip, at=at, **facts_of(post))
    return post


def check_post(post: Post, own: Iterable[Post], acted: Iterable[str]) -> None:
    """Whether a post that is not saved yet may be given; call with its user's row locked.

    `own` are the user's posts that share a day with it, `acted` the roles that they substitute in then.
    Raises Invalid or WrongState.
    """
    own, role = list(own), Role(post.role)
    require_enabled(post.user, field="user")
    check_period(post.starts_on, post.ends_on)
    check_seat(role, post.place, post.unit, post.branch)
    check_apart(role, [*(held.role for held in own), *acted])
    if any(seat_of(held) == seat_of(post) for held in own):
        raise Invalid(_("They already hold this post in that time."), field="starts_on", code="held_already")


@transaction.atomic
def end_post(
    *, post_id: int, ends_on: dt.date, actor: User | None, at: dt.datetime, ip: str | None = None
) -> Post:
    """Let a post end with the day `ends_on`; its holder's open orders return to the desk after it.

    A post is shortened, never lengthened: give a new one. Raises Invalid, NotAllowed or NotVisible.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    post = _locked_post(post_id)
    require_other(actor, post.user)
    before = post.ends_on
    if ends_on == before:
        return post
    check_end(post, ends_on)
    post.ends_on = ends_on
    post.save(update_fields=["ends_on"])
    end_of(post, ends_on, actor=actor, at=at).save()
    record_access(actor, "post_ended", post.user, ip, at=at, **facts_of(post), ended_before=before)
    return post


def check_end(post: Post, ends_on: dt.date) -> None:
    """Whether a post may end then. Raises Invalid."""
    if ends_on < post.starts_on:
        raise Invalid(_("The end lies before the start."), field="ends_on")
    if post.ends_on is not None and ends_on > post.ends_on:
        raise Invalid(_("A post can only be shortened. Give a new one instead."), field="ends_on")


@transaction.atomic
def appoint_substitute(
    *,
    post_id: int,
    substitute_id: int,
    starts_on: dt.date,
    ends_on: dt.date,
    reason: str = "",
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Substitution:
    """Let a colleague act in a post while its holder is absent, both days included.

    The rule of the three officers binds them too. Raises Invalid, NotAllowed, NotVisible or WrongState.
    """
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    substitute = locked_user(substitute_id)
    require_other(actor, substitute)
    post = _locked_post(post_id)
    if substitute.pk == post.user_id:
        raise Invalid(_("Nobody can be their own substitute."), field="substitute")
    require_enabled(substitute, field="substitute")
    check_period(starts_on, ends_on)
    if starts_on < post.starts_on or (post.ends_on is not None and ends_on > post.ends_on):
        raise Invalid(_("The post is not held all that time."), field="ends_on")
    own = posts_within(substitute, starts_on, ends_on)
    check_separation(substitute, Role(post.role), starts_on, ends_on, own)
    if post.substitutions.filter(overlapping(starts_on, ends_on), substitute=substitute).exists():
        raise Invalid(_("They already substitute in that time."), field="starts_on", code="held_already")
    row = Substitution.objects.create(
        post=post, substitute=substitute, starts_on=starts_on, ends_on=ends_on, reason=reason
    )
    end_of(post, ends_on, actor=actor, at=at, user=substitute).save()
    record_access(actor, "substitute_appointed", substitute, ip, at=at, **_stint(row))
    return row


@transaction.atomic
def end_substitution(
    *, substitution_id: int, ends_on: dt.date, actor: User | None, at: dt.datetime, ip: str | None = None
) -> Substitution:
    """Let a substitution end earlier than planned. Raises Invalid, NotAllowed or NotVisible."""
    require_officer(actor, Role.SECURITY_OFFICER, at=at)
    row = (
        Substitution.objects.select_for_update(of=("self",), no_key=True)
        .select_related("substitute", "post__user")
        .filter(pk=substitution_id)
        .first()
    )
    if row is None:
        raise NotVisible
    require_other(actor, row.substitute)
    before = row.ends_on
    if ends_on == before:
        return row
    if not row.starts_on <= ends_on < before:
        raise Invalid(_("A substitution can only be shortened. Appoint anew instead."), field="ends_on")
    row.ends_on = ends_on
    row.save(update_fields=["ends_on"])
    end_of(row.post, ends_on, actor=actor, at=at, user=row.substitute).save()
    record_access(actor, "substitution_ended", row.substitute, ip, at=at, **_stint(row), ended_before=before)
    return row


def seat_of(post: Post) -> tuple[str, int | None, int | None, int | None]:
    """What a person holds at most once at a time."""
    return post.role, post.place_id, post.unit_id, post.branch_id


def _locked_post(post_id: int) -> Post:
    posts = Post.objects.select_for_update(of=("self",), no_key=True)
    post = posts.select_related("user", "place", "unit", "branch").filter(pk=post_id).first()
    if post is None:
        raise NotVisible
    return post


def end_of(
    post: Post, last_day: dt.date, *, actor: User | None, at: dt.datetime, user: User | None = None
) -> StaffChange:
    """The change that those above read, not saved yet: after that day the person acts there no more."""
    return StaffChange(
        kind=StaffChange.Kind.POST_ENDED,
        user=user or post.user,
        unit=post.unit,
        post=post,
        at=day_after(last_day, at=at),
        by=actor,
    )


def facts_of(post: Post) -> dict[str, Any]:
    """What the audit trail says of a post."""
    where = next((seat.code for seat in (post.place, post.unit, post.branch) if seat), "")
    return {
        "post": post.pk,
        "role": post.role,
        "at_or_in": where,
        "from": post.starts_on,
        "until": post.ends_on,
    }


def _stint(row: Substitution) -> dict[str, Any]:
    holder = row.post.user.username
    return {
        "post": row.post_id,
        "role": row.post.role,
        "for": holder,
        "from": row.starts_on,
        "until": row.ends_on,
    }
