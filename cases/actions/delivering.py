"""How somebody wants to be told outside of the portal, and trying again what did not get out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cases.models import DeliveryPreference, OutboundMessage, Wanted
from cases.publishing import publisher
from governance.common.errors import Invalid, NotVisible, Throttled, WrongState
from partymembers.audit import record_access
from partymembers.models import Role, User
from partymembers.rules import require_officer

#: What the audit officer reads for these actions.
AUDIT_LABELS: Final = {
    "outbound_message_retried": _("Outbound message sent again"),
    "delivery_address_confirmed": _("E-mail address confirmed"),
    "delivery_preference_changed": _("Delivery preference changed"),
}
ADDRESS_SALT: Final = "cases.delivery-address"
#: For how long a link that confirms an address is good, and how soon another may be asked for.
LINK_LIFE: Final = timedelta(days=1)
LINK_PAUSE: Final = timedelta(minutes=1)
NO_ADDRESS: Final = _("Please give the address that messages go to.")
NO_PHONE: Final = _("There is no phone number of yours here.")
TOO_SOON: Final = _("A link was sent a moment ago. Please wait a minute before you ask for another.")
STALE_LINK: Final = _("This link has run out or belongs to another address. Please save your address again.")
NOT_GIVEN_UP: Final = _("Only what was given up can be sent again.")


@dataclass(frozen=True)
class Choice:
    """What somebody chose on the page: `language` is that of the messages, and of the page."""

    mail: Wanted
    sms: Wanted
    digest: bool
    address: str
    language: str


@transaction.atomic
def save_preference(*, user: User, choice: Choice, at: datetime, ip: str | None = None) -> str:
    """Keep how the user wants to be told; a token when their address must be confirmed, "" otherwise.

    Another address is used only once it has been confirmed. Raises Invalid with the field, or Throttled.
    """
    if choice.mail != Wanted.NONE and not choice.address:
        raise Invalid(NO_ADDRESS, field="address")
    if choice.sms != Wanted.NONE and not user.phone:
        raise Invalid(NO_PHONE, field="sms")
    kept, _made = DeliveryPreference.objects.select_for_update().get_or_create(user=user)
    kept.mail, kept.sms, kept.digest = choice.mail, choice.sms, choice.digest
    kept.language = choice.language
    is_new = choice.address != kept.address
    if is_new:
        kept.address, kept.confirmed_at = choice.address, None
    lately = kept.asked_at is not None and at < kept.asked_at + LINK_PAUSE
    must_confirm = bool(kept.address) and kept.confirmed_at is None and (is_new or not lately)
    if must_confirm and lately:
        raise Throttled(TOO_SOON, field="address")
    kept.asked_at = at if must_confirm else kept.asked_at
    kept.save()
    facts = {"mail": kept.mail, "sms": kept.sms, "digest": kept.digest}
    record_access(user, "delivery_preference_changed", user, ip, at=at, **facts)
    return signing.dumps([user.pk, kept.address], salt=ADDRESS_SALT) if must_confirm else ""


@transaction.atomic
def confirm_address(*, user: User, token: str, at: datetime, ip: str | None = None) -> None:
    """Begin to use the user's address. Raises Invalid for a link that is forged, old or another's."""
    try:
        user_id, address = signing.loads(token, salt=ADDRESS_SALT, max_age=LINK_LIFE)
    except (signing.BadSignature, ValueError) as error:
        raise Invalid(STALE_LINK) from error
    own = DeliveryPreference.objects.filter(user=user, address=address)
    if user_id != user.pk or not own.update(confirmed_at=at):
        raise Invalid(STALE_LINK)
    record_access(user, "delivery_address_confirmed", user, ip, at=at)


@transaction.atomic
def retry_outbound_message(
    *, message_id: int, actor: User | None, at: datetime, ip: str | None = None
) -> None:
    """Have a message that was given up sent again now, with all its tries before it.

    Raises NotAllowed, NotVisible, or WrongState for one that was not given up.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    message = OutboundMessage.objects.select_for_update().filter(pk=message_id).first()
    if message is None:
        raise NotVisible()
    if message.state != OutboundMessage.State.DEAD:
        raise WrongState(NOT_GIVEN_UP)
    message.state, message.tries, message.next_try_at = OutboundMessage.State.WAITING, 0, at
    message.ended_at = None
    message.save()
    record_access(actor, "outbound_message_retried", f"message:{message.pk}", ip, at=at, error=message.error)
    transaction.on_commit(lambda: publisher.post("cases.send_outbound"))
