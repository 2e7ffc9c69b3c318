"""What an order looks like to other systems: the declaration; `cases.api.bodies` makes it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from cases.api.bodies import EXPANDABLE
from cases.deadlines import Light
from cases.models import (
    Attachment,
    CaseEvent,
    CaseRequest,
    CaseUnit,
    Channel,
    Satisfaction,
    Urgency,
    WhistleCall,
)
from cases.models.catalogue import TIMER_CHOICES
from cases.workflow import Kind, Stage, State
from governance.common.api.fields import ChosenFields
from grids.api.crs import SYSTEMS
from grids.api.places import PlaceRef


class Coded(serializers.Serializer[Any]):
    """A thing by its code."""

    code = serializers.CharField()
    name = serializers.CharField()


class Staff(serializers.Serializer[Any]):
    """Somebody who works with orders, or a connected system."""

    code = serializers.CharField(
        allow_null=True, help_text="The account's name; null for residents whose name is masked."
    )
    name = serializers.CharField(
        help_text="Of who took a wish on or was called by whistle as `members/` gives it: masked unless the "
        "key has personal:read."
    )


class Position(serializers.Serializer[Any]):
    """A point, in the coordinate system that was asked for."""

    lng = serializers.FloatField()
    lat = serializers.FloatField()
    crs = serializers.ChoiceField(choices=list(SYSTEMS))


class OrderPosition(Position):
    """Where it happened."""

    accuracy_m = serializers.FloatField(allow_null=True, help_text="As the phone said, in metres.")


class Reporter(serializers.Serializer[Any]):
    """Who reported, or whom a wish is for."""

    name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    is_verified = serializers.BooleanField(
        help_text="Whether it is known who reports: somebody signed in, a connected system that answers for "
        "its callers, or a phone to which a code was sent."
    )
    is_masked = serializers.BooleanField(
        help_text="In full only to keys with personal:read that work on the order; each reading is audited."
    )


class Counters(serializers.Serializer[Any]):
    """How often something happened to the order."""

    returns = serializers.IntegerField(help_text="Given back by a unit.")
    reworks = serializers.IntegerField(help_text="Not good at the check, handled again.")
    extensions = serializers.IntegerField()
    reopenings = serializers.IntegerField()
    urges = serializers.IntegerField()
    climbs = serializers.IntegerField(help_text="Gone up to a higher desk because it was late.")
    co_reports = serializers.IntegerField(help_text="Others who reported the same.")
    whistles = serializers.IntegerField(help_text="Calls for several units at once.")


class Rating(serializers.Serializer[Any]):
    """What the reporter said of it; null until somebody has asked or rated."""

    contacted = serializers.BooleanField(allow_null=True)
    solved = serializers.BooleanField(allow_null=True)
    satisfaction = serializers.ChoiceField(choices=Satisfaction.choices, allow_null=True)
    rated_at = serializers.DateTimeField(allow_null=True)


class ClaimOfWish(serializers.Serializer[Any]):
    """Who has taken a wish on; a person only to those who work on it."""

    user = Staff(allow_null=True)
    unit = Coded(allow_null=True)
    branch = Coded(allow_null=True)
    claimed_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    begun_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    minutes = serializers.IntegerField(help_text="Minutes served.")


class WishHalf(serializers.Serializer[Any]):
    """The public half of a wish: what the wall shows. It was vetted and names nobody."""

    title = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    skills = Coded(many=True)
    points = serializers.IntegerField()
    deliver_by = serializers.DateField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    left_to_branch_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when the branch's committee looks for somebody."
    )
    delivered_at = serializers.DateTimeField(allow_null=True)
    thanks = serializers.CharField(allow_blank=True)
    branch = Coded(allow_null=True)
    claim = ClaimOfWish(allow_null=True)


class ClockOfOrder(serializers.Serializer[Any]):
    """How long a stage may last. Spans are in the clock's own time: of working timers, working time."""

    stage = serializers.ChoiceField(choices=Stage.choices)
    round = serializers.IntegerField(help_text="1 for the first time, 2 after a return or rework.")
    state = serializers.ChoiceField(choices=["running", "paused", "stopped"])
    light = serializers.ChoiceField(choices=[each.value for each in Light])
    timer_type = serializers.ChoiceField(choices=TIMER_CHOICES)
    limit_seconds = serializers.IntegerField()
    extended_seconds = serializers.IntegerField()
    paused_seconds = serializers.IntegerField()
    used_seconds = serializers.IntegerField(allow_null=True, help_text="Known when it has stopped.")
    started_at = serializers.DateTimeField()
    warn_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    paused_at = serializers.DateTimeField(allow_null=True)
    stopped_at = serializers.DateTimeField(allow_null=True)


class PartOfUnit(serializers.Serializer[Any]):
    """A unit that leads, assists, or once had the order."""

    unit = Coded()
    part = serializers.ChoiceField(choices=CaseUnit.Part.choices)
    since = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)


class AttachmentOfOrder(serializers.Serializer[Any]):
    """A picture. The addresses take the same key."""

    token = serializers.CharField()
    role = serializers.ChoiceField(choices=Attachment.Role.choices)
    event = serializers.IntegerField(allow_null=True, help_text="The `seq` of the event that brought it.")
    url = serializers.URLField()
    thumbnail_url = serializers.URLField()
    sha256 = serializers.CharField(help_text="Of the file as it was sent.")
    size = serializers.IntegerField(help_text="Bytes.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    claimed_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was taken, as the camera or the caller said."
    )
    claimed_position = Position(allow_null=True)
    uploaded_at = serializers.DateTimeField()


class EventOfOrder(serializers.Serializer[Any]):
    """One line of an order's history. `docs/events.md` lists the kinds and their data."""

    seq = serializers.IntegerField(help_text="Counts within the order.")
    position = serializers.IntegerField(
        allow_null=True, help_text="Place in the feed of all changes; null until it is given one."
    )
    kind = serializers.CharField()
    label = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute
        help_text="The kind in the caller's language."
    )
    version = serializers.IntegerField()
    at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    actor_kind = serializers.ChoiceField(choices=CaseEvent.ActorKind.choices)
    actor = Staff(allow_null=True)
    from_state = serializers.ChoiceField(choices=State.choices, allow_null=True)
    to_state = serializers.ChoiceField(choices=State.choices, allow_null=True)
    note = serializers.CharField(allow_blank=True)
    data = serializers.DictField(  # type: ignore[assignment]  # a field's own attribute
        help_text="By kind (docs/events.md); ids are codes here: `unit_id` is `unit_code`, "
        "`assist_ids` is `assist_codes`."
    )
    is_imported = serializers.BooleanField()


class RequestOfUnit(serializers.Serializer[Any]):
    """More time, or a suspension, that the handling unit asked for."""

    kind = serializers.ChoiceField(choices=CaseRequest.Kind.choices)
    reason = serializers.CharField(allow_blank=True)
    extra_seconds = serializers.IntegerField(
        allow_null=True, help_text="Time asked for, in the handling clock's own time."
    )
    asked_by = Staff()
    asked_at = serializers.DateTimeField()
    is_granted = serializers.BooleanField(allow_null=True, help_text="Null while it waits.")
    decided_by = Staff(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class CallOfWhistle(serializers.Serializer[Any]):
    """One unit, branch or member that was called."""

    to = serializers.ChoiceField(choices=["unit", "branch", "member"])
    code = serializers.CharField()
    name = serializers.CharField()
    answer = serializers.ChoiceField(choices=WhistleCall.Answer.choices, allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    came_at = serializers.DateTimeField(allow_null=True)
    reported_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    report = serializers.CharField(allow_blank=True)
    minutes = serializers.IntegerField()


class WhistleOfOrder(serializers.Serializer[Any]):
    """A call to the order: what is needed, by when, and who came."""

    need = serializers.CharField()
    meeting_point = serializers.CharField(allow_blank=True)
    needed_by = serializers.DateTimeField()
    sent_at = serializers.DateTimeField()
    sent_by = Staff()
    ended_at = serializers.DateTimeField(allow_null=True)
    calls = CallOfWhistle(many=True)


class OrderRow(ChosenFields):
    """An order as lists give it. Of a wish that is somebody else's only the public half is not null."""

    expandable = EXPANDABLE

    number = serializers.CharField()
    url = serializers.URLField()
    version = serializers.IntegerField(help_text="Raised by every change; the ETag has it.")
    kind = serializers.ChoiceField(choices=Kind.choices)
    state = serializers.ChoiceField(choices=State.choices)
    light = serializers.ChoiceField(choices=[each.value for each in Light], allow_null=True)
    channel = serializers.ChoiceField(choices=Channel.choices, allow_null=True)
    matter = Coded()
    standard = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="Condition of the matter's standard that applies."
    )
    urgency = serializers.ChoiceField(choices=Urgency.choices, allow_null=True)
    description = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="Phones in it are masked like the reporter's."
    )
    address = serializers.CharField(allow_null=True, allow_blank=True)
    position = OrderPosition(allow_null=True)
    outside_grid = serializers.BooleanField(allow_null=True)
    place = PlaceRef(allow_null=True, help_text="The smallest known place, down to the grid.")
    desk = PlaceRef(allow_null=True, help_text="Whose desk holds it.")
    city = PlaceRef(allow_null=True)
    district = PlaceRef(allow_null=True)
    street = PlaceRef(allow_null=True)
    community = PlaceRef(allow_null=True)
    grid = PlaceRef(allow_null=True)
    building = PlaceRef(allow_null=True)
    compound = serializers.CharField(allow_null=True, help_text="Name of the residential compound.")
    unit = Coded(allow_null=True, help_text="Lead unit.")
    handler = Staff(allow_null=True)
    suggested_unit = Coded(allow_null=True)
    route_reason = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="Why that unit is suggested, in the caller's language."
    )
    reporter = Reporter(allow_null=True, help_text="Null to whoever may not know who reported.")
    reported_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    dispatched_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    handled_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When nobody held it any more.")
    due_at = serializers.DateTimeField(allow_null=True, help_text="Of the whole order.")
    next_due_at = serializers.DateTimeField(
        allow_null=True, help_text="Of the running clock that is due first; what `late` and `light` go by."
    )
    next_stage = serializers.ChoiceField(
        choices=Stage.choices, allow_null=True, help_text="What that clock measures."
    )
    counters = Counters(allow_null=True)
    rating = Rating(allow_null=True)
    is_supervised = serializers.BooleanField(allow_null=True)
    resolved_on_spot = serializers.BooleanField(allow_null=True)
    merged_into = serializers.CharField(allow_null=True, help_text="Number of the order that goes on.")
    source = serializers.CharField(allow_null=True, help_text="System that it came from.")  # type: ignore[assignment]  # a field's own attribute
    source_number = serializers.CharField(allow_null=True, help_text="Its number there.")
    client_id = serializers.CharField(allow_null=True, help_text="Your own id, where you reported it.")
    is_test = serializers.BooleanField(help_text="Made by a sandbox; outside all figures.")
    is_imported = serializers.BooleanField(allow_null=True)
    updated_at = serializers.DateTimeField()
    wish = WishHalf(allow_null=True, help_text="Of wishes alone.")
    clocks = ClockOfOrder(many=True, required=False)
    parts = PartOfUnit(many=True, required=False)
    attachments = AttachmentOfOrder(many=True, required=False)
    events = EventOfOrder(many=True, required=False)


class OrderDetail(OrderRow):
    """An order with what hangs on it, and what the caller may do."""

    expandable = frozenset({"events"})

    requests = RequestOfUnit(many=True)
    whistles = WhistleOfOrder(many=True)
    allowed_actions = serializers.ListField(
        child=serializers.CharField(), help_text="Actions that the caller may take now."
    )
