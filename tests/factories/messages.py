"""What the relay does with every event, and who has a message of it."""

from __future__ import annotations

from cases.models import CaseEvent, Notification
from cases.notify import in_app
from partymembers.models import User
from tests.factories.cases import World
from tests.factories.party import Party


def tell() -> None:
    """What the relay does with every event, without its cursors."""
    in_app(list(CaseEvent.objects.order_by("pk")))


def told(world: World, kind: str, party: Party | None = None) -> set[str]:
    """The people of the small world who have a message about an event of that kind."""
    people = vars(world) | (vars(party) if party else {})
    names = {user.pk: name for name, user in people.items() if isinstance(user, User)}
    return {names[pk] for pk in Notification.objects.filter(kind=kind).values_list("recipient_id", flat=True)}
