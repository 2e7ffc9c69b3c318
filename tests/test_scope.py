"""Nobody learns of an order by an address: every route of the portal, asked by those who must see nothing.

The routes come from the URLconf; one that is not in the table fails here. Each is opened by the owner of what
it shows (so that there is something that could leak), by a colleague next door with the same role, by the
same role in another city, by somebody without any post, by the three officers, and by a visitor who has not
signed in. What tells of an order (its number, address, words, reporter and phone) must reach the owner alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from cases.actions import wish_asking, wishes
from cases.actions.reporting import Contact
from cases.calendars import forget_calendar
from cases.models import Case, CaseEvent, Channel, Notification, SavedView
from cases.workflow import WORKFLOWS
from partymembers.actions.check_ins import ask_check_in
from partymembers.actions.evaluations import evaluate_member
from partymembers.defaults import seed_defaults
from partymembers.models import (
    Branch,
    BranchLevel,
    CheckIn,
    Member,
    Notice,
    StationItem,
    TrustedDevice,
    User,
)
from partymembers.web.service.points import CODE_SALT
from partymembers.web.service.stations import SERVED_SALT
from tests.factories.cases import NOON
from tests.factories.party import make_branch, make_branch_post, make_member, make_wish_kind, publishing
from tests.factories.scene import ADDRESS, NAME, PHONE, TAIL, WORDS, Scene, make_scene, signed_in
from tests.factories.service import Served, make_served
from tests.factories.whistles import whistle

pytestmark = pytest.mark.django_db
#: Where a visitor is sent from the officers' pages.
WAYS_IN = ("/login/", "/admin/", "/password/")


def routes(resolver: URLResolver, space: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern]]:
    """Every pattern below a resolver with its full name."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from routes(each, (*space, each.namespace) if each.namespace else space)
        else:
            yield ":".join((*space, each.name or "?")), each


ALL_ROUTES = dict(routes(get_resolver()))
ADMIN = sorted(name for name in ALL_ROUTES if name.startswith("admin:"))
OTHERS = sorted(name for name in ALL_ROUTES if not name.startswith("admin:"))


@pytest.fixture
def scene() -> Iterator[Scene]:
    forget_calendar()
    with time_machine.travel(NOON + timedelta(hours=5), tick=False):
        seed_defaults()  # a test before this one may have emptied every table
        yield make_scene()
    forget_calendar()


Arguments = Callable[[Scene], list[Any]]
Data = Callable[[Scene], dict[str, Any]]


def nothing(_scene: Scene) -> list[Any]:
    return []


def no_data(_scene: Scene) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Route:
    """How to call a route, and what becomes of those who may not see what it shows.

    `owner` gets an answer that holds a secret, unless there is none in it (`is_plain`). Strangers never find
    a secret; `hides` says that all of them get 404. `anonymous` is a status, 302 meaning "to the sign-in".
    """

    owner: str = "desk"
    args: Arguments = nothing
    data: Data = no_data
    method: str = "get"
    is_plain: bool = False
    hides: bool = False
    anonymous: int = 302

    def ask(self, client: Client, url: str, data: dict[str, Any]) -> Any:
        return getattr(client, self.method)(url, data)


def number(state: str, *more: Any) -> Arguments:
    return lambda scene: [scene.cases[state].number, *more]


def given(**data: Any) -> Data:
    return lambda _scene: data


def position(scene: Scene) -> dict[str, Any]:
    lng, lat = scene.world.city.inside(scene.world.city.west_1)
    return {"matter": scene.world.matter.pk, "lng": lng, "lat": lat}


def notice(scene: Scene) -> list[Any]:
    rows = Notification.objects.filter(recipient=scene.world.desk, case=scene.cases["reported"])
    return [rows.latest("pk").pk]


def device(scene: Scene) -> list[Any]:
    now = timezone.now()
    made = TrustedDevice.objects.create(
        user=scene.world.worker, session_key="x" * 32, trusted_at=now, expires_at=now + timedelta(days=7)
    )
    return [made.pk]


def saved_view(scene: Scene) -> list[Any]:
    return [SavedView.objects.create(user=scene.world.desk, name="我的", query="desk?view=late").pk]


def token(scene: Scene) -> list[Any]:
    return [scene.qr]


def west(part: str = "") -> Data:
    return lambda scene: {"place": scene.world.city.west.code, "part": part, "period": "month"}


def own() -> Route:
    """A page about oneself, or a form that shows no order."""
    return Route(is_plain=True)


def public(args: Arguments = nothing, **more: Any) -> Route:
    return Route(args=args, is_plain=True, anonymous=more.pop("anonymous", 200), **more)


def served(find: Callable[[Served], list[Any]]) -> Arguments:
    """Arguments from what the worker served, made for this route alone."""
    return lambda scene: find(make_served(scene.world))


def code_of_worker(scene: Scene) -> list[Any]:
    make_served(scene.world)
    return [signing.dumps(scene.world.worker.pk, salt=CODE_SALT)]


def handed_over(scene: Scene) -> dict[str, Any]:
    who = signing.dumps(scene.world.worker.pk, salt=SERVED_SALT)
    return {"who": who, "item": StationItem.objects.latest("pk").pk}


@dataclass(frozen=True)
class Joined:
    """The worker as a member of a branch, whose secretary is the owner; another's request waits."""

    branch: Branch
    member: Member
    request: CheckIn
    unit_id: int


def join(scene: Scene) -> Joined:
    """Made for one route alone."""
    world, home = scene.world, make_branch(name="养护所支部", unit=scene.world.unit)
    branch = make_branch(home, "西涧社区党委", level=BranchLevel.GROUP, place=world.city.west)
    make_branch_post(world.desk, home)
    member = make_member(home=home, checkin=branch, user=world.worker, lives_at=world.city.west, door=ADDRESS)
    waiting = make_member(NAME, home=home, lives_at=world.city.west)
    request = ask_check_in(actor=waiting.user, branch_id=branch.pk, at=NOON)
    evaluate_member(member_id=member.pk, year=2026, grade="good", note=WORDS, actor=world.desk, at=NOON)
    return Joined(branch, member, request, world.unit.pk)


def joined(find: Callable[[Joined], list[Any]]) -> Arguments:
    return lambda scene: find(join(scene))


def whistled(scene: Scene) -> list[Any]:
    """The street whistles the handler's unit to the order that it handles; the list has no argument."""
    whistle(scene.world, scene.cases["handling"], at=NOON + timedelta(hours=4), units=[scene.world.unit])
    return []


def party_notice(scene: Scene) -> list[Any]:
    row = Notice(recipient=scene.world.desk, kind="transferred", source="x", data={"branch": NAME}, at=NOON)
    row.save()
    return [row.pk]


def wish(state: str, *more: Any) -> Arguments:
    """A wish whose asker has the scene's secrets, claimed by the handler for their unit."""

    def make(scene: Scene) -> list[Any]:
        world, at = scene.world, NOON
        home = world.city.building
        asking = wish_asking.Ask(make_wish_kind(), WORDS, Channel.RESIDENT, home, address=ADDRESS)
        case = wish_asking.ask_wish(ask=asking, asker=None, contact=Contact(NAME, PHONE), at=at)
        wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=world.desk, at=at)
        if state == "confirmed":
            wishes.claim_wish(case_id=case.pk, actor=world.handler, at=at, unit=world.unit)
            wishes.confirm_claim(case_id=case.pk, actor=world.desk, at=at)
        return [case.number, *more]

    return make


def asked_by_worker(*more: Any) -> Arguments:
    """A wish that the worker asked on a resident's behalf."""

    def make(scene: Scene) -> list[Any]:
        asking = wish_asking.Ask(make_wish_kind(), WORDS, Channel.GRID_WORKER, scene.world.city.west_1)
        contact = Contact(NAME, PHONE)
        case = wish_asking.ask_wish(ask=asking, asker=scene.world.worker, contact=contact, at=NOON)
        return [case.number, *more]

    return make


ROUTES: dict[str, Route] = {  # in this order: signing out comes last
    "healthz": public(),
    "readyz": public(anonymous=503),  # nothing beats in a test
    "metrics": Route(is_plain=True, anonymous=404),  # with a token, or for nobody
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
    "party:me": own(),
    "party:moved": Route(is_plain=True),
    "party:check_in_ask": Route(method="post", is_plain=True),
    "party:check_in_withdraw": Route(args=joined(lambda j: [j.request.pk]), method="post", is_plain=True),
    "party:check_in_accept": Route(
        args=joined(lambda j: [j.request.pk]), method="post", is_plain=True, hides=True
    ),
    "party:check_in_refuse": Route(
        args=joined(lambda j: [j.request.pk]),
        data=given(reason="x"),
        method="post",
        is_plain=True,
        hides=True,
    ),
    "party:branches": own(),
    "party:branch": Route(args=joined(lambda j: [j.branch.pk]), hides=True),
    "party:take_in": Route(
        args=joined(lambda j: [j.branch.pk]),
        data=lambda s: {
            "staff_number": s.strangers["nobody"][0].username,
            "status": "full",
            "settled_on": "2026-11-01",
        },
        method="post",
        is_plain=True,
        hides=True,
    ),
    "party:evaluate": Route(
        args=joined(lambda j: [j.branch.pk]),
        data=given(year="2026"),
        method="post",
        is_plain=True,
        hides=True,
    ),
    "party:report": Route(
        args=joined(lambda j: [j.branch.pk]),
        data=given(year="2026"),
        method="post",
        is_plain=True,
        hides=True,
    ),
    "party:evaluation_report": Route(args=joined(lambda j: [j.unit_id, 2026]), hides=True),
    "party:member": Route(args=joined(lambda j: [j.member.pk]), hides=True),
    "party:member_open": Route(
        args=joined(lambda j: [j.member.pk]), data=given(what="door"), method="post", hides=True
    ),
    "party:member_transfer": Route(
        args=joined(lambda j: [j.member.pk]),
        data=lambda _s: {"branch": Branch.objects.get(name="西涧社区党委").pk},
        method="post",
        is_plain=True,
        hides=True,
    ),
    "party:member_status": Route(
        args=joined(lambda j: [j.member.pk]),
        data=given(status="probationary"),
        method="post",
        is_plain=True,
        hides=True,
    ),
    "party:member_leave": Route(
        args=joined(lambda j: [j.member.pk]),
        data=given(reason="调离"),
        method="post",
        is_plain=True,
        hides=True,
    ),
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
    answer = route.ask(signed_in(getattr(scene.world, route.owner)), *question)
    if answer.status_code >= 400 and not (route.is_plain and not route.hides):
        yield f"the owner gets {answer.status_code}"
    if not route.is_plain and not scene.leaks(answer):
        yield "the owner sees nothing, so nothing could leak"


def test_every_action_of_an_order_is_hidden_alike(scene: Scene) -> None:
    """By GET and by POST, with the very same words as a number that does not exist."""
    people = ("desk", "officer")
    actions = [("cases:act", [action]) for action in WORKFLOWS["incident"]]
    pages: list[tuple[str, list[str]]] = [
        ("cases:detail", []),
        ("cases:panel", []),
        ("cases:verify", []),
        ("cases:reported", []),
    ]
    for client in [signed_in(scene.strangers[role][0]) for role in people]:
        unknown = client.get(reverse("cases:detail", args=["261120-999999"]))
        for state in ("handling", "closed"):
            for name, more in [*pages, *actions]:
                url = reverse(name, args=[scene.cases[state].number, *more])
                answer = client.post(url, {"note": "x"}) if more else client.get(url)
                assert answer.status_code == unknown.status_code == 404, (state, name, more)
                assert heading(answer) == heading(unknown)
    for case in scene.cases.values():
        assert Case.objects.get(pk=case.pk).last_seq == CaseEvent.objects.filter(case=case).count()


def heading(answer: Any) -> str:
    text = answer.content.decode()
    return text[text.index("<h1>") : text.index("</h1>")]


def test_a_number_is_found_by_its_own_people_alone(scene: Scene) -> None:
    wanted = scene.cases["handling"].number
    found = signed_in(scene.world.desk).get(reverse("cases:search"), {"q": wanted})
    assert found.headers["Location"] == reverse("cases:detail", args=[wanted])
    for users in scene.strangers.values():
        client = signed_in(users[-1])
        for text in (wanted, ADDRESS, WORDS, PHONE[-4:], ""):
            page = client.get(reverse("cases:search"), {"q": text})
            assert page.status_code == 200
            assert page.context["rows"] == []
            assert page.context["page"].total == 0


def test_no_total_counts_what_one_may_not_see(scene: Scene) -> None:
    """The numbers beside the views, the bell, the navigation, the news and the dashboard are zero."""
    own = signed_in(scene.world.desk)
    mine = own.get(reverse("cases:news"), {"board": "desk"}).json()
    assert mine["counts"]["view-all"] == len(scene.cases) - 1
    assert mine["latest"] > 0
    for role in ("desk", "handler", "worker"):
        for user in scene.strangers[role]:
            client = signed_in(user)
            for board in ("desk", "handling"):
                news = client.get(reverse("cases:news"), {"board": board}).json()
                assert set(news["counts"].values()) == {0}
                assert not news["latest"]
            assert client.get(reverse("cases:unread")).json()["unread"] == 0
            page = client.get(reverse("cases:mine"))
            assert {item.badge for item in page.context["nav_items"]} == {0}
    for user in (scene.world.other_desk, *scene.strangers["official"]):
        page = signed_in(user).get(reverse("dashboard:overview"))
        counts = {
            door.count for tile in (*page.context["tiles"], *page.context["others"]) for door in tile.parts
        }
        assert counts == {0}


def test_a_desk_prints_the_codes_of_its_own_buildings(scene: Scene) -> None:
    url, link = reverse("cases:qr_codes"), reverse("cases:public_report", args=[scene.qr])

    def printed(user: User) -> list[bool]:
        return [plate.url.endswith(link) for plate in scene.client(user).get(url).context["plates"]]

    assert any(printed(scene.world.desk))
    assert [any(printed(user)) for user in scene.strangers["desk"]] == [False, False]
    for role in ("handler", "worker", "nobody", "officer"):
        assert scene.client(scene.strangers[role][0]).get(url).status_code == 403


def test_officers_configure_and_see_no_order(scene: Scene) -> None:
    for user in scene.strangers["officer"]:
        client = signed_in(user)
        assert client.get(reverse("cases:desk")).status_code == 403
        assert client.get(reverse("cases:handling")).status_code == 403
        assert client.get(reverse("dashboard:overview")).status_code == 404
        keys = [item.key for item in client.get(reverse("profile")).context["nav_items"]]
        assert set(keys).isdisjoint({"desk", "handling", "today", "report", "mine", "dashboard"})
        for name in ADMIN:
            if name.endswith("_changelist"):
                assert set(scene.leaks(client.get(reverse(name)))) <= {NAME, PHONE, TAIL}, name


def admin_url(name: str) -> str:
    """A concrete address; of an app for its list, of row 1 for a row."""
    known = {"app_label": "cases"}
    return reverse(
        name, kwargs={key: known.get(key, "1") for key in ALL_ROUTES[name].pattern.regex.groupindex}
    )


def test_the_officers_pages_do_not_exist_for_anybody_else(scene: Scene) -> None:
    """One rule for all of them: a visitor is sent to the sign-in, who holds no officer's post gets 404."""
    people = [scene.world.desk, scene.world.city_desk, scene.world.official, *scene.strangers["nobody"]]
    clients, faults = [signed_in(user) for user in people], []
    for name in ADMIN:
        if name.endswith("?"):  # Django's redirect of old addresses, and its own page for unknown ones
            continue
        url = admin_url(name)
        visitor = Client().get(url)
        if visitor.status_code != 302 or not visitor.headers["Location"].startswith(WAYS_IN):
            faults.append((name, "visitor", visitor.status_code))
        for client in clients:
            answer = client.get(url)
            leads_out = name in ("admin:logout", "admin:password_change")
            if answer.status_code != 404 and not (leads_out and answer.status_code < 400):
                faults.append((name, "business", answer.status_code))
    assert faults == []
    assert len(ADMIN) > 30
    for url in ("/admin/no/such/", "/admin/cases/case/", "/admin/cases/matter/1/"):
        assert Client().get(url).status_code == 302
        assert all(client.get(url).status_code == 404 for client in clients)
