"""Nobody learns of an order by an address: every route of the portal, asked by those who must see nothing.

The routes come from the URLconf; one that is not in the table fails here. Each is opened by the owner of what
it shows (so that there is something that could leak), by a colleague next door with the same role, by the
same role in another city, by somebody without any post, by the three officers, and by a visitor who has not
signed in. What tells of an order (its number, address, words, reporter and phone) must reach the owner alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from partymembers.models import (
    Branch,
)
from tests.factories.routes import (
    OTHERS,
    Route,
    asked_by_worker,
    code_of_worker,
    committee_post,
    device,
    given,
    handed_over,
    joined,
    notice,
    number,
    own,
    party_notice,
    position,
    public,
    saved_view,
    served,
    token,
    west,
    whistled,
    wish,
)
from tests.factories.scene import Scene, signed_in

pytestmark = pytest.mark.django_db


ROUTES: dict[str, Route] = {  # in this order: signing out comes last
    "healthz": public(),
    "readyz": public(anonymous=503),  # nothing beats in a test
    "metrics": Route(owner=None, is_plain=True, hides=True, anonymous=404),  # a token opens it, no sign-in
    "home": own(),
    "login": public(),
    "set_language": public(method="post", data=given(language="en"), anonymous=302),
    "password_change": own(),
    "profile": own(),
    "switch_post": Route(is_plain=True, method="post"),
    "forget_device": Route(owner="worker", args=device, method="post", is_plain=True, hides=True),
    "cases:desk": Route(data=given(view="all")),
    "cases:handling": Route(owner="handler"),
    "cases:today": Route(owner="second_worker"),
    "cases:mine": Route(owner="worker"),
    "cases:search": Route(data=given(q="霁虹巷")),
    "cases:news": Route(is_plain=True),
    "cases:bulk": Route(
        args=lambda _scene: ["decline"],
        data=lambda scene: {"number": [scene.cases["public"].number], "note": "不属于"},
        method="post",
    ),
    "cases:save_view": Route(
        args=lambda _scene: ["desk"], data=given(name="我的", query="view=late"), method="post", is_plain=True
    ),
    "cases:delete_view": Route(args=saved_view, method="post", is_plain=True, hides=True),
    "cases:detail": Route(args=number("handling"), hides=True),
    "cases:panel": Route(args=number("reported"), hides=True),
    "cases:open_phone": Route(args=number("reported"), method="post", hides=True),
    "cases:act": Route(args=number("reported", "accept"), hides=True),
    "cases:whistle_found": Route(owner="street_desk", args=number("handling"), is_plain=True, hides=True),
    "cases:whistles": Route(owner="handler", args=whistled),
    "cases:verify": Route(owner="second_worker", args=number("handled"), hides=True),
    "cases:reported": Route(owner="worker", args=number("reported"), hides=True),
    "cases:join_case": Route(args=number("reported"), method="post", is_plain=True, hides=True),
    "cases:qr_codes": own(),  # a drawing: what it says is looked at by itself
    "cases:notifications": Route(),
    "cases:unread": Route(is_plain=True, anonymous=401),
    "cases:notification_settings": own(),
    "cases:confirm_mail": Route(args=lambda _s: ["forged"], is_plain=True),
    "cases:notifications_read_all": Route(method="post", data=given(newest="1"), is_plain=True),
    "cases:notification_open": Route(args=notice, hides=True),
    "cases:notification_read": Route(args=notice, method="post", is_plain=True, hides=True),
    "cases:attachment_upload": Route(method="post", is_plain=True, anonymous=400),
    "cases:attachment": Route(args=lambda s: [s.photo.token], is_plain=True, hides=True, anonymous=404),
    "cases:attachment_thumbnail": Route(
        args=lambda s: [s.photo.token], is_plain=True, hides=True, anonymous=404
    ),
    "cases:report": own(),
    "cases:matter_search": own(),
    "cases:locate": Route(data=position, is_plain=True),
    "cases:similar": Route(data=position),
    "cases:service_worker": public(),
    "cases:outbox": own(),
    "cases:outbox_state": Route(is_plain=True, anonymous=401),
    "cases:public_report": public(token),
    "cases:public_matters": public(token),
    "cases:public_similar": public(token, data=position),
    "cases:public_join": public(lambda s: [s.qr, "forged"], method="post", anonymous=404),
    "cases:public_follow_order": public(lambda _s: ["x" * 32], anonymous=404),
    "cases:public_act": public(lambda _s: ["x" * 32, "rate"], method="post", anonymous=404),
    "cases:public_follow": public(),
    "dashboard:overview": Route(data=west(), is_plain=True, hides=True),
    "dashboard:late": Route(data=west(), is_plain=True, hides=True),
    "dashboard:cases": Route(data=west("reported"), hides=True),
    "dashboard:export": Route(data=lambda s: west("reported")(s) | {"format": "csv"}, hides=True),
    "dashboard:party": Route(data=west(), is_plain=True, hides=True),
    "dashboard:party_rows": Route(data=west("wishes_asked"), is_plain=True, hides=True),
    "dashboard:party_export": Route(
        data=lambda s: west("wishes_asked")(s) | {"format": "csv"}, is_plain=True, hides=True
    ),
    "party:me": own(),
    "party:moved": Route(is_plain=True),
    "party:moved_homes": Route(is_plain=True),
    "party:check_in_ask": Route(method="post", is_plain=True),
    "party:check_in_withdraw": Route(args=joined(lambda j: [j.request.pk]), method="post", is_plain=True),
    "party:check_in_accept": committee_post(lambda j: [j.request.pk]),
    "party:check_in_refuse": committee_post(lambda j: [j.request.pk], given(reason="x")),
    "party:branches": own(),
    "party:branch": Route(args=joined(lambda j: [j.branch.pk]), hides=True),
    "party:take_in": committee_post(
        lambda j: [j.branch.pk],
        lambda s: {
            "staff_number": s.strangers["nobody"][0].username,
            "status": "full",
            "settled_on": "2026-11-01",
        },
    ),
    "party:evaluate": committee_post(lambda j: [j.branch.pk], given(year="2026")),
    "party:report": committee_post(lambda j: [j.branch.pk], given(year="2026")),
    "party:evaluations": Route(owner="head", is_plain=True, hides=True),
    "party:evaluation_report": Route(args=joined(lambda j: [j.unit_id, 2026]), hides=True),
    "party:member": Route(args=joined(lambda j: [j.member.pk]), hides=True),
    "party:member_open": Route(
        args=joined(lambda j: [j.member.pk]), data=given(what="door"), method="post", hides=True
    ),
    "party:member_transfer": committee_post(
        lambda j: [j.member.pk], lambda _s: {"branch": Branch.objects.get(name="西涧社区党委").pk}
    ),
    "party:member_status": committee_post(lambda j: [j.member.pk], given(status="probationary")),
    "party:member_leave": committee_post(lambda j: [j.member.pk], given(reason="调离")),
    "party:notice": Route(args=party_notice, is_plain=True, hides=True),
    "party:notice_read": Route(args=party_notice, method="post", is_plain=True, hides=True),
    "service:hub": own(),
    "service:volunteer": own(),
    "service:volunteer_leave": Route(is_plain=True, method="post"),
    "service:volunteers": Route(is_plain=True),
    "service:volunteer_phone": Route(args=served(lambda s: [s.volunteer.pk]), method="post", hides=True),
    "service:teams": own(),
    "service:team_new": own(),
    "service:team": Route(args=served(lambda s: [s.team.pk])),
    "service:team_hand_over": Route(args=served(lambda s: [s.team.pk]), is_plain=True, hides=True),
    "service:team_act": Route(args=served(lambda s: [s.team.pk, "dissolve"]), method="post", is_plain=True),
    "service:activities": own(),
    "service:activity_new": own(),
    "service:activity": Route(args=served(lambda s: [s.activity.pk])),
    "service:activity_edit": Route(args=served(lambda s: [s.activity.pk]), is_plain=True, hides=True),
    "service:activity_cancel": Route(args=served(lambda s: [s.activity.pk]), is_plain=True, hides=True),
    "service:activity_sign_up": Route(args=served(lambda s: [s.activity.pk]), method="post", is_plain=True),
    "service:activity_withdraw": Route(args=served(lambda s: [s.activity.pk]), method="post", is_plain=True),
    "service:activity_code": Route(args=served(lambda s: [s.activity.pk]), is_plain=True, hides=True),
    "service:attendance": Route(args=served(lambda s: [s.activity.pk, s.seat.pk]), hides=True),
    "service:scan": Route(args=served(lambda s: [s.activity.token]), is_plain=True),
    "service:points": own(),
    "service:points_code": own(),
    "service:points_export": own(),
    "service:points_correct": Route(args=served(lambda s: [s.award.pk]), hides=True),
    "service:honours": Route(is_plain=True),
    "service:stations": own(),
    "service:station": Route(args=served(lambda s: [s.item.station_id]), is_plain=True),
    "service:stock": Route(args=served(lambda s: [s.item.pk]), is_plain=True, hides=True),
    "service:counter": Route(args=served(lambda s: [s.item.station_id]), is_plain=True, hides=True),
    "service:counter_code": Route(args=code_of_worker, is_plain=True, hides=True),
    "service:redeem": Route(
        args=served(lambda s: [s.item.station_id]), data=handed_over, method="post", is_plain=True, hides=True
    ),
    "service:redemption_cancel": Route(args=served(lambda s: [s.redemption.pk]), is_plain=True, hides=True),
    "service:resources": own(),
    "service:resource_new": own(),
    "service:resource_edit": Route(args=served(lambda s: [s.resource.pk]), is_plain=True, hides=True),
    "service:resource_withdraw": Route(args=served(lambda s: [s.resource.pk]), method="post", is_plain=True),
    "service:projects": own(),
    "service:project_new": own(),
    "service:project_progress": Route(args=served(lambda s: [s.project.pk]), is_plain=True, hides=True),
    "cases:wishes": Route(owner="handler", is_plain=True),
    "cases:my_claims": Route(owner="handler", is_plain=True),
    "cases:branch_wishes": Route(is_plain=True),
    "cases:wish_needs": own(),
    "cases:wish": Route(owner="handler", args=wish("confirmed")),
    "cases:open_wish_phone": Route(owner="handler", args=wish("confirmed"), method="post"),
    "cases:wish_act": Route(owner="handler", args=wish("confirmed", "hand_back"), is_plain=True),
    "cases:public_wish": public(token),
    "cases:wish_ask": own(),
    "cases:ask_homes": own(),
    "cases:my_wishes": own(),
    "cases:my_wish": Route(owner="worker", args=asked_by_worker(), hides=True),
    "cases:my_wish_act": Route(
        owner="worker", args=asked_by_worker("withdraw"), method="post", is_plain=True, hides=True
    ),
    "cases:wish_desk": Route(is_plain=True),
    "cases:wish_confirm_many": Route(
        data=lambda scene: {"number": wish("published")(scene)}, method="post", is_plain=True
    ),
    "cases:wish_order": Route(args=wish("published"), hides=True),
    "cases:wish_open": Route(args=wish("published"), data=given(what="phone"), method="post", hides=True),
    "cases:wish_desk_act": Route(args=wish("published", "void"), is_plain=True, hides=True),
    "logout": Route(is_plain=True, method="post"),
}


def test_every_route_has_an_entry() -> None:
    assert sorted(ROUTES) == OTHERS


def test_what_the_owner_sees_nobody_else_finds(scene: Scene) -> None:
    faults = []
    for users in scene.strangers.values():
        for user in users:
            scene.client(user)  # before the first rollback
    for name, route in ROUTES.items():
        with transaction.atomic():
            faults += [f"{name}: {fault}" for fault in faults_of(name, route, scene)]
            transaction.set_rollback(True)
    assert not faults, "\n".join(faults)


def faults_of(name: str, route: Route, scene: Scene) -> Iterator[str]:
    """What is wrong with the answers of one route."""
    question = reverse(name, args=route.args(scene)), route.data(scene)
    for role, users in scene.strangers.items():
        for user in users:
            answer = route.ask(scene.client(user), *question)
            if leaks := scene.leaks(answer):
                yield f"{role} {user} reads {leaks}"
            broken = answer.status_code >= 500 and answer.status_code != route.anonymous
            if broken or (route.hides and answer.status_code != 404):
                yield f"{role} {user} gets {answer.status_code}"
    visitor = route.ask(Client(), *question)
    told = [secret for secret in scene.leaks(visitor) if secret not in question[0]]  # ?next= repeats it
    if visitor.status_code != route.anonymous or told:
        yield f"a visitor gets {visitor.status_code} and reads {told}"
    goes_to = visitor.headers.get("Location", reverse("login"))
    if name != "set_language" and not goes_to.startswith(reverse("login")):
        yield f"a visitor is sent to {goes_to}"
    if route.owner is None:
        return
    answer = route.ask(signed_in(getattr(scene.world, route.owner)), *question)
    if answer.status_code >= 400 and not (route.is_plain and not route.hides):
        yield f"the owner gets {answer.status_code}"
    if not route.is_plain and not scene.leaks(answer):
        yield "the owner sees nothing, so nothing could leak"
