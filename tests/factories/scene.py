"""The owner's orders and everybody who must see nothing of them, for tests of scope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cases.actions import reporting
from cases.attachments import store_picture
from cases.models import Attachment, Case, CaseEvent, Channel
from cases.notify import in_app
from partymembers.models import Role, User
from tests.factories.cases import NOON, World, bring_to, make_world
from tests.factories.grids import City, make_city
from tests.factories.people import make_unit, make_user
from tests.factories.pictures import picture_bytes

OFFICERS = (Role.SYSTEM_OFFICER, Role.SECURITY_OFFICER, Role.AUDIT_OFFICER)
ADDRESS, WORDS, PHONE, NAME = "霁虹巷 7 弄", "井圈塌了半边", "13655550123", "欧阳无双"
TAIL = "0123<"  # a masked phone at the end of an element


@dataclass
class Scene:
    """The owner's orders, one for each kind of list, and everybody who asks."""

    world: World
    far: City
    cases: dict[str, Case]
    photo: Attachment
    qr: str
    strangers: dict[str, tuple[User, ...]] = field(default_factory=dict)
    clients: dict[int, Client] = field(default_factory=dict)

    def client(self, user: User) -> Client:
        """The user's browser, signed in once."""
        if user.pk not in self.clients:
            self.clients[user.pk] = signed_in(user)
        return self.clients[user.pk]

    @property
    def secrets(self) -> list[str]:
        """What tells of the owner's orders."""
        numbers = [case.number for case in self.cases.values()]
        return [*numbers, ADDRESS, WORDS, PHONE, TAIL, NAME]

    def leaks(self, response: Any) -> list[str]:
        """The secrets that an answer holds, in its body or in where it leads."""
        body = b"".join(response.streaming_content) if response.streaming else response.content
        text = body.decode("utf-8", "replace") + response.headers.get("Location", "")
        return [secret for secret in self.secrets if secret in text]


def make_scene() -> Scene:
    world, far = make_world(), make_city("341200000000")
    world.worker.name, world.worker.phone = NAME, PHONE
    world.worker.save()
    told = {"address": ADDRESS, "description": WORDS}
    states = ("reported", "accepted", "dispatched", "handling", "handled", "closed")
    cases = {state: bring_to(world, state, **told) for state in states}
    contact = reporting.Contact(name=NAME, phone=PHONE)
    public = reporting.Report(
        matter=world.matter, channel=Channel.RESIDENT, place=world.city.building, **told
    )
    cases["public"] = reporting.report_case(report=public, reporter=None, contact=contact, at=NOON)
    file = SimpleUploadedFile("a.jpg", picture_bytes(), "image/jpeg")
    photo = store_picture(file, uploader=world.worker, at=NOON)
    reporting.add_information(
        case_id=cases["reported"].pk, actor=world.worker, at=NOON, note=WORDS, attachments=[photo.token]
    )
    in_app(list(CaseEvent.objects.order_by("pk")))
    scene = Scene(world, far, cases, photo, world.city.qr_code().token)
    scene.strangers = strangers_of(world, far)
    return scene


def strangers_of(world: World, far: City) -> dict[str, tuple[User, ...]]:
    """By role: the colleague next door, and the same role in another city."""
    far_unit = make_unit("外市养护所", place=far.city)
    return {
        "desk": (world.other_desk, make_user("外社区", role=Role.SECRETARY, place=far.west)),
        "handler": (world.other_handler, make_user("外养护", role=Role.HANDLER, unit=far_unit)),
        "worker": (world.other_worker, make_user("外网格", role=Role.GRID_WORKER, place=far.west_1)),
        "official": (make_user("外市长", role=Role.OFFICIAL, place=far.city),),
        "nobody": (make_user("无职", phone="13755550000"),),
        "officer": tuple(make_user(str(role.label), role=role) for role in OFFICERS),
    }


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
