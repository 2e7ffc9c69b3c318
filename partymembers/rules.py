"""Who may write what about people, and the rule of the three officers 三员."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from grids.models import Place
from partymembers.access import access_of
from partymembers.models import (
    BRANCH_ROLES,
    OFFICER_ROLES,
    PLACE_ROLES,
    UNIT_ROLES,
    Branch,
    Post,
    Role,
    Substitution,
    Unit,
    User,
)


def require_officer(actor: User | None, role: Role, *, at: dt.datetime) -> None:
    """Pass the officer of this role, and the command line (`None`). Raises NotAllowed for anyone else."""
    if actor is not None and not access_of(actor, on=timezone.localdate(at)).is_officer(role):
        raise NotAllowed(_("Only the %(officer)s may do this.") % {"officer": role.label.lower()})


def require_other(actor: User | None, user: User) -> None:
    """Nobody grants, takes or resets anything of their own. Raises NotAllowed."""
    if actor is not None and actor.pk == user.pk:
        raise NotAllowed(_("You cannot do this to yourself. Ask another security officer."))


def locked_user(user_id: int, *, or_system: bool = False) -> User:
    """The person's row, locked until the transaction ends. Raises NotVisible.

    A connected system is no person: nothing that people have is given to it. `or_system` asks for both.
    """
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None or (user.is_service and not or_system):
        raise NotVisible
    return user


def require_enabled(user: User, *, field: str) -> None:
    """Disabled people are given nothing. Raises WrongState."""
    if user.disabled_at is not None:
        raise WrongState(_("This user is disabled. Enable them first."), field=field)


def overlapping(starts_on: dt.date, ends_on: dt.date | None, prefix: str = "") -> Q:
    """A condition: the dates of the row share a day with this period (None: without an end)."""
    still_on = Q(**{f"{prefix}ends_on__isnull": True}) | Q(**{f"{prefix}ends_on__gte": starts_on})
    return still_on if ends_on is None else still_on & Q(**{f"{prefix}starts_on__lte": ends_on})


def check_period(starts_on: dt.date, ends_on: dt.date | None) -> None:
    """Raises Invalid when the period ends before it starts."""
    if ends_on is not None and ends_on < starts_on:
        raise Invalid(_("The end lies before the start."), field="ends_on")


def check_seat(role: Role, place: Place | None, unit: Unit | None, branch: Branch | None = None) -> None:
    """A place role wants a place, a unit role a unit, a Party role a branch, an officer's role none of them.

    Raises Invalid.
    """
    _check_branch(role, branch)
    if role in PLACE_ROLES and place is None:
        raise Invalid(_("This role is held over a place. Choose one."), field="place")
    if role in UNIT_ROLES and unit is None:
        raise Invalid(_("This role is held in a unit. Choose one."), field="unit")
    if role not in PLACE_ROLES and place is not None:
        raise Invalid(_("This role is not held over a place. Leave it empty."), field="place")
    if role not in UNIT_ROLES and unit is not None:
        raise Invalid(_("This role is not held in a unit. Leave it empty."), field="unit")
    if place is not None and place.retired_on is not None:
        raise Invalid(_("This place is retired. Choose the one that followed it."), field="place")
    if unit is not None and unit.disabled_at is not None:
        raise Invalid(_("This unit is disabled. Choose another."), field="unit")


def _check_branch(role: Role, branch: Branch | None) -> None:
    if role in BRANCH_ROLES and branch is None:
        raise Invalid(_("This role is held in a branch. Choose one."), field="branch")
    if role not in BRANCH_ROLES and branch is not None:
        raise Invalid(_("This role is not held in a branch. Leave it empty."), field="branch")
    if branch is not None and branch.dissolved_on is not None:
        raise Invalid(_("This branch is dissolved. Choose another."), field="branch")


def posts_within(user: User, starts_on: dt.date, ends_on: dt.date | None) -> list[Post]:
    """The user's own posts that share a day with this period."""
    return list(Post.objects.filter(overlapping(starts_on, ends_on), user=user))


def roles_acted_in(user: User, starts_on: dt.date, ends_on: dt.date | None) -> list[str]:
    """Roles that the user substitutes in on a day of this period, where the post holds on it too."""
    stints = Substitution.objects.filter(
        overlapping(starts_on, ends_on), overlapping(starts_on, ends_on, "post__"), substitute=user
    )
    return list(stints.values_list("post__role", flat=True))


def check_separation(
    user: User, role: Role, starts_on: dt.date, ends_on: dt.date | None, own: Iterable[Post]
) -> None:
    """Three officers are three people, and do no other business. Call with the user's row locked.

    `own` are the user's posts in that time (`posts_within`). Substitutions count like posts, on the days when
    both they and the post hold. Raises Invalid.
    """
    check_apart(role, [*(post.role for post in own), *roles_acted_in(user, starts_on, ends_on)])


def check_apart(role: Role, held: Iterable[str]) -> None:
    """Whether a role may stand beside others of the same person and time. Raises Invalid (三员)."""
    others = {Role(other) for other in held} - {role}
    clashing = others if role in OFFICER_ROLES else others & OFFICER_ROLES
    if clashing:
        names = ", ".join(sorted(str(other.label) for other in clashing))
        raise Invalid(
            _(
                "They also hold: %(posts)s. An officer's post stands alone: "
                "end the other first, or choose another person."
            )
            % {"posts": names},
            field="role",
            code="three_officers",
        )


def day_after(day: dt.date, *, at: dt.datetime) -> dt.datetime:
    """The midnight at which `day` is over, or `at` where that has passed already."""
    midnight = timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min))
    return max(midnight, at)
