"""Sends what `cases.outbound` made: by one worker at a time, again after a failure, at last given up.

A sender takes a message by moving its next try on (a lease) and commits before it talks to anybody: no
transaction waits for a gateway. Where a sender dies, the lease ends and another sends the message with the
same key.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Final

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from cases.backoff import pause_after
from cases.gateways import GATEWAYS, Refused, Unreachable
from cases.letters import letter_of
from cases.models import OutboundChannel, OutboundMessage
from cases.outbound import enabled_channels
from cases.stuck import INTERRUPTIONS, describe_error

logger = logging.getLogger("gezhi.outbound")

State = OutboundMessage.State
#: How long a sender may hold a message: far longer than a gateway may take to answer.
LEASE: Final = timedelta(minutes=2)
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=30)
#: Together about an hour and a half.
MOST_TRIES: Final = 10
#: Seconds for which a channel is left alone after a failure, so that no worker waits for it in vain again.
REST: Final = 15


def send_waiting(*, seconds: float = 30.0) -> int:
    """Send the messages that are due on every channel; how many were sent.

    A channel whose gateway is away is left alone for a while; the others go on.
    """
    until = time.monotonic() + seconds
    sent = 0
    channels = enabled_channels()
    while channels and time.monotonic() < until:
        busy = []
        for channel in channels:  # in turn: an urgent text message waits for no thousand e-mails
            message = None if cache.get(_resting(channel)) else _take(channel)
            if message is not None:
                sent += _send(message)
                busy.append(channel)
        channels = busy
    return sent


def _resting(channel: OutboundChannel) -> str:
    return f"outbound-rest:{channel}"


def _take(channel: OutboundChannel) -> OutboundMessage | None:
    """One message that is due, held for as long as the lease."""
    with transaction.atomic():
        due = OutboundMessage.objects.filter(channel=channel, state=State.WAITING, next_try_at__lte=Now())
        message = due.select_for_update(skip_locked=True).order_by("next_try_at").first()
        if message is not None:
            held = OutboundMessage.objects.filter(pk=message.pk)
            held.update(tries=F("tries") + 1, next_try_at=Now() + LEASE)
            message.tries += 1
    return message


def _send(message: OutboundMessage) -> bool:
    """Send it, or note why not; whether it went."""
    try:
        if message.tries > MOST_TRIES:  # each time its sender died
            raise Refused("given up")
        letter = letter_of(message, at=timezone.now())
        if letter is None:
            _end(message, State.DROPPED)
            return False
        GATEWAYS[OutboundChannel(message.channel)].send(letter)
    except Unreachable as error:
        cache.set(_resting(OutboundChannel(message.channel)), 1, REST)
        _note_failure(message, error)
        return False
    except (DatabaseError, *INTERRUPTIONS):
        raise  # not the message's fault: its lease ends, and it comes again
    except Exception as error:
        _end(message, State.DEAD, error)
        return False
    _end(message, State.SENT)
    return True


def _note_failure(message: OutboundMessage, error: Exception) -> None:
    if message.tries >= MOST_TRIES:
        _end(message, State.DEAD, error)
        return
    pause = pause_after(message.tries, first=FIRST_PAUSE, most=LONGEST_PAUSE)
    _held(message).update(error=describe_error(error), next_try_at=Now() + pause)
    logger.warning("message_delayed", extra=_told(message))


def _end(message: OutboundMessage, state: State, error: Exception | None = None) -> None:
    _held(message).update(state=state, ended_at=Now(), error=describe_error(error) if error else "")
    if state == State.DEAD:
        # What a gateway says may name the recipient; a fault of ours is told in full.
        fault = None if isinstance(error, Refused | Unreachable) else error
        logger.error("message_given_up", extra=_told(message), exc_info=fault)


def _held(message: OutboundMessage) -> QuerySet[OutboundMessage]:
    """The message while it is still this sender's: another may hold it when a lease has run out."""
    return OutboundMessage.objects.filter(pk=message.pk, state=State.WAITING, tries=message.tries)


def _told(message: OutboundMessage) -> dict[str, object]:
    return {"outbound": message.pk, "channel": message.channel, "tries": message.tries}
