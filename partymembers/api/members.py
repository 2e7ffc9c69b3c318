"""Party members and their check-ins over the API, read-only; whom a caller finds: `partymembers.known`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.api.asked import choice_of, flag_of, no_such_code, text_of
from governance.common.api.fields import ChosenFields
from governance.common.api.views import Endpoint
from governance.common.errors import NotVisible
from governance.common.typed import words
from partymembers.api.callers import access_of_caller
from partymembers.api.people import PersonRef, name_for, opens_names, with_names
from partymembers.checking_in import Standing, due_on, standing_of, stands
from partymembers.known import check_ins_known_to, members_known_to
from partymembers.models import Branch, CheckIn, Member

CODE = OpenApiParameter("code", str, OpenApiParameter.PATH, description="The member's staff number.")
STATE = OpenApiParameter("state", str, enum=CheckIn.State.values, description="Only in this state.")
BRANCH = OpenApiParameter("branch", str, description="Code of a branch: only it and those below.")
_LONGEST = 50


class BranchRef(serializers.Serializer[Branch]):
    """A Party branch."""

    code = serializers.CharField()
    name = serializers.CharField()
    place = serializers.CharField(
        source="place.code", default=None, allow_null=True, help_text="Code of the place that it serves."
    )


class MemberRow(ChosenFields):
    """A Party member with both branches."""

    code = serializers.CharField(source="user.username", help_text="Staff number: it stays with the person.")
    name = serializers.SerializerMethodField(
        help_text="Masked unless the key has personal:read; each reading in full is audited."
    )
    status = serializers.ChoiceField(choices=Member.Status.choices)
    home_branch = BranchRef(help_text="Where they belong by their work.")
    check_in_branch = BranchRef(
        source="checkin_branch", allow_null=True, help_text="Where they have checked in; null: nowhere."
    )
    standing = serializers.SerializerMethodField(
        help_text="checked_in; waiting: the branch has not answered; due, nearly_due (within 7 days) and "
        "overdue: not asked yet; left: no longer a member here."
    )
    settled_on = serializers.DateField(help_text="Joined or moved on: a month later the check-in is due.")
    due_on = serializers.SerializerMethodField(help_text="The last day to check in.")
    checked_in_at = serializers.DateTimeField(allow_null=True)
    left_on = serializers.DateField(allow_null=True)

    def get_name(self, member: Member) -> str:
        """As the view has found the caller may read it."""
        return name_for(member.user, self.context)

    @extend_schema_field(serializers.ChoiceField(choices=[each.value for each in Standing]))
    def get_standing(self, member: Member) -> str:
        """Today's."""
        is_waiting: bool = member.is_waiting  # type: ignore[attr-defined]  # annotated
        return standing_of(member, on=timezone.localdate(), is_waiting=is_waiting).value

    def get_due_on(self, member: Member) -> dt.date:
        """A month after."""
        return due_on(member.settled_on)


class CheckInRow(ChosenFields):
    """A member asked a branch to take them in, and what it answered."""

    member = PersonRef(source="member.user")
    branch = BranchRef()
    state = serializers.ChoiceField(choices=CheckIn.State.choices)
    asked_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Ended by a move.")


class _MemberEndpoint(Endpoint):
    """Members and their check-ins."""

    resource = "members"

    def member(self, code: str) -> Member:
        """The member with this staff number. Raises NotVisible."""
        known = members_known_to(access_of_caller(self.request))
        found = known.filter(user__username=words(code, most=_LONGEST + 1)).first()
        if found is None:
            raise NotVisible
        return found

    def shown(self, kind: type[ChosenFields], rows: list[Any], *, naming: str) -> Any:
        """The rows as data; names that are opened are audited where field `naming` is asked for."""
        is_named = naming in kind.wanted(self.request)
        people = [row.user if isinstance(row, Member) else row.member.user for row in rows if is_named]
        context = with_names(self.get_serializer_context(), people, what="member_name")
        return kind(rows, many=True, context=context).data


class Members(_MemberEndpoint):
    """The list of members."""

    order = "id"
    serializer_class = MemberRow
    parameters = frozenset({"standing", "branch", "q", "left"})

    def get_queryset(self) -> QuerySet[Member]:
        """Whom the caller knows, of those the address asks for. Raises Invalid that names the parameter."""
        return _filtered(members_known_to(access_of_caller(self.request)), self.request)

    @extend_schema(
        operation_id="listMembers",
        summary="List Party members",
        parameters=[
            OpenApiParameter(
                "standing", str, enum=[each.value for each in Standing], description="Only who stands so."
            ),
            OpenApiParameter("branch", str, description="Code of a home or check-in branch, with all below."),
            OpenApiParameter(
                "q", str, description="The beginning of a staff number; with personal:read part of a name."
            ),
            OpenApiParameter("left", bool, default=False, description="Also those who have left."),
        ],
        responses=MemberRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """Members by "1+1": home branch and check-in branch, and how their check-in stands today.

        An account that acts for a desk finds those who are checked in at the branches of its place, have
        asked to be, or live there and are checked in nowhere. One that only reads, or acts for a unit, finds
        nobody.
        """
        rows: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.shown(MemberRow, rows, naming="name"))


class MemberView(_MemberEndpoint):
    """One member."""

    serializer_class = MemberRow

    @extend_schema(operation_id="readMember", summary="Read a Party member", parameters=[CODE])
    def get(self, _request: Request, code: str) -> Response:
        """A member by their staff number."""
        return Response(self.shown(MemberRow, [self.member(code)], naming="name")[0])


class CheckIns(_MemberEndpoint):
    """The list of check-ins."""

    order = "-id"
    serializer_class = CheckInRow
    parameters = frozenset({"state", "branch"})

    @extend_schema(
        operation_id="listCheckIns",
        summary="List check-ins",
        parameters=[STATE, BRANCH],
        responses=CheckInRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """What members have asked of branches, the latest first."""
        return self.listed(check_ins_known_to(access_of_caller(request)))

    def listed(self, rows: QuerySet[CheckIn]) -> Response:
        """A page of them, narrowed as the query says."""
        if state := choice_of(self.request, "state", CheckIn.State.values):
            rows = rows.filter(state=state)
        if code := text_of(self.request, "branch"):
            rows = rows.filter(branch__path__startswith=_path_of(code))
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(self.shown(CheckInRow, page, naming="member"))


class CheckInsOfMember(CheckIns):
    """The check-ins of one member."""

    @extend_schema(
        operation_id="listCheckInsOfMember",
        summary="List a member's check-ins",
        parameters=[CODE, STATE, BRANCH],
        responses=CheckInRow(many=True),
    )
    def get(self, request: Request, code: str) -> Response:  # type: ignore[override]  # has a code
        """What the member has asked of branches that the caller knows, the latest first."""
        return self.listed(check_ins_known_to(access_of_caller(request)).filter(member=self.member(code)))


def _filtered(rows: QuerySet[Member], request: Request) -> QuerySet[Member]:
    """What was asked for. Raises Invalid that names the parameter.

    A masked name cannot be searched for: whoever may not read names would learn them so.
    """
    standing = choice_of(request, "standing", [each.value for each in Standing])
    if not flag_of(request, "left") and standing != Standing.LEFT:
        rows = rows.filter(left_on__isnull=True)
    if standing:
        rows = rows.filter(stands(Standing(standing), on=timezone.localdate()))
    if code := text_of(request, "branch"):
        path = _path_of(code)
        rows = rows.filter(Q(home_branch__path__startswith=path) | Q(checkin_branch__path__startswith=path))
    if text := text_of(request, "q"):
        found = Q(user__username__istartswith=text)
        rows = rows.filter(found | Q(user__name__icontains=text) if opens_names(request) else found)
    return rows


def _path_of(code: str) -> str:
    """Where the branch with this code stands in the tree. Raises Invalid for an unknown one."""
    path = Branch.objects.filter(code=code).values_list("path", flat=True).first()
    if path is None:
        raise no_such_code(code, field="branch")
    return path
