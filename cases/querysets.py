"""Reads of orders; every look-up from outside starts at `visible_to`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.workflow import OPEN_STATES, WISH_OPEN_STATES, Kind, State
from governance.common.kept import AnyOf
from grids.levels import ORDER_LEVELS
from partymembers.models import DESK_ROLES

if TYPE_CHECKING:
    from cases.models import Case
    from partymembers.access import Access
else:
    Case = "cases.Case"


class CaseQuerySet(QuerySet["Case"]):
    """Adjectives of orders."""

    def visible_to(self, access: Access) -> Self:
        """Incidents in the places of the actor's posts and below, of their units, and their own reports.

        Source: "Place, desk and scope" of DECISIONS.md. Officers hold no business post, so they see none.
        No door that starts here ever meets a wish, whose asker few may know: `wishes_known_to`.
        Test orders and the sandbox accounts that make them see only each other, here and in all reads below.
        """
        condition = self._by_post(access)
        if access.user_id:
            joined = apps.get_model("cases", "CoReporter").objects.filter(user_id=access.user_id)
            # As a list of ids, of which a person has few, PostgreSQL finds them by index beside the other
            # branches; as an EXISTS it would read every open order of the city to try each.
            mine = AnyOf("pk", ArraySubquery(joined.order_by().values("case_id")))
            condition |= Q(reporter_id=access.user_id) | Q(mine)
        return self.filter(condition, kind=Kind.INCIDENT, is_test=access.is_sandbox)

    def worked_by(self, access: Access) -> Self:
        """What is visible by a post: without what the actor sees only because they reported or joined it."""
        return self.filter(self._by_post(access), kind=Kind.INCIDENT, is_test=access.is_sandbox)

    def wishes_known_to(self, access: Access) -> Self:
        """Wishes whose asker the actor may know: desks of the place and above, the asker, the claimer.

        The claimer from the confirmation on. Everybody else reads the public half (`cases.wishes`).
        """
        condition = self._by_desk(access)
        if access.user_id:
            claims = apps.get_model("cases", "Claim").objects.filter(
                Q(user_id=access.user_id) | Q(unit__in=access.unit_ids) | Q(branch__in=access.branch_ids),
                case_id=OuterRef("pk"),
                confirmed_at__isnull=False,
            )
            kept = claims.filter(Q(ended_at__isnull=True) | Q(ending="completed"))
            helped = Q(Exists(kept)) & ~Q(state=State.VOIDED)  # revoked, it was nobody's to know any more
            condition |= Q(reporter_id=access.user_id) | helped
        return self.filter(condition, kind=Kind.WISH, is_test=access.is_sandbox)

    def wishes_of_desk(self, access: Access) -> Self:
        """Wishes that the actor knows as the staff of a desk: those it holds, and those of its place."""
        return self.filter(self._by_desk(access), kind=Kind.WISH, is_test=access.is_sandbox)

    @staticmethod
    def _by_desk(access: Access) -> Q:
        condition = Q(desk_id__in=access.desk_place_ids) if access.desk_place_ids else Q(pk__in=[])
        for grant in access.grants:
            if grant.roles & DESK_ROLES and grant.level in ORDER_LEVELS:
                condition |= Q(**{f"{grant.level}_id": grant.place_id})
        return condition

    @staticmethod
    def _by_post(access: Access) -> Q:
        condition = Q(pk__in=[])
        for level, ids in access.places_by_level().items():
            condition |= Q(**{f"{level}_id__in": ids})
        if buildings := access.building_ids():
            condition |= Q(building_id__in=buildings)
        if access.desk_place_ids:  # an escalated order is seen by the desk that holds it, in its place's line
            condition |= Q(desk_id__in=access.desk_place_ids)
        if access.user_id:
            calls = apps.get_model("cases", "WhistleCall").objects.filter(
                Q(user_id=access.user_id) | Q(unit__in=access.unit_ids) | Q(branch__in=access.branch_ids)
            )
            called = ArraySubquery(calls.order_by().values("whistle__case_id"))
            condition |= Q(AnyOf("pk", called))
        if access.unit_ids:
            parts = apps.get_model("cases", "CaseUnit").objects.filter(
                case_id=OuterRef("pk"), unit_id__in=access.unit_ids
            )
            condition |= Q(unit_id__in=access.unit_ids) | Q(Exists(parts))
        return condition

    def real(self) -> Self:
        """Without test orders: for reads that start at no access and count for people, or tell them."""
        return self.filter(is_test=False)

    def incidents(self) -> Self:
        """Orders about something seen or complained of."""
        return self.filter(kind=Kind.INCIDENT)

    def wishes(self) -> Self:
        """Residents' wishes; who may read which half of one: `cases.wishes`."""
        return self.filter(kind=Kind.WISH)

    def running(self) -> Self:
        """Orders of any kind that somebody still has to do something about."""
        return self.filter(state__in=(*OPEN_STATES, *WISH_OPEN_STATES))

    def open(self) -> Self:
        """Incidents that somebody still has to do something about."""
        return self.filter(state__in=OPEN_STATES)

    def late(self, now: datetime) -> Self:
        """Open orders with a running clock past its due time."""
        return self.open().filter(next_due_at__lt=now)

    def held_by(self, access: Access) -> Self:
        """Orders that a desk of the actor holds."""
        return self.filter(desk_id__in=access.desk_place_ids)
