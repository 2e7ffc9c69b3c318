"""The ways out of the portal: e-mail, and text messages through a gateway that speaks HTTP.

A gateway takes one letter and returns, or says why not: `Refused` is final, `Unreachable` may go well later.
It must take the same letter twice without sending it twice where it can: `Letter.key` tells.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import smtplib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from cases.models import OutboundChannel


@dataclass(frozen=True)
class Letter:
    """One message for one person: `to` is an address or phone; a channel uses words or template."""

    key: UUID
    to: str
    subject: str
    text: str
    template: str
    parameters: Mapping[str, str]


class Refused(Exception):
    """The other side does not want this letter, and will not later."""


class Unreachable(Exception):
    """The other side did not answer, or could not now."""


class Gateway(Protocol):
    """A way out."""

    def send(self, letter: Letter) -> None:
        """Hand the letter over. Raises Refused or Unreachable; an unclear outcome is Unreachable."""


class Mail:
    """Django's e-mail backend. A repeat has the same Message-ID, by which mail programs know it."""

    def send(self, letter: Letter) -> None:
        """Send one e-mail in plain text."""
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "gezhi"
        mail = EmailMessage(
            letter.subject,
            letter.text,
            to=[letter.to],
            headers={"Message-ID": f"<{letter.key}@{domain}>", "Auto-Submitted": "auto-generated"},
        )
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _words in error.recipients.values()]
            raise (Refused if codes and min(codes) >= 500 else Unreachable)(f"SMTP {codes}") from error
        except smtplib.SMTPDataError as error:
            raise (Refused if error.smtp_code >= 500 else Unreachable)(f"SMTP {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(type(error).__name__) from error


#: Seconds that the gateway of text messages may take to connect, and then for each part of its answer.
SMS_TIMEOUT: Final = 5.0
#: Answers below 500 that are worth another try: time-out, too early, too many.
_LATER: Final = frozenset({408, 425, 429})
#: The gateway knows this key already: it has the message.
_KNOWN: Final = 409


def signature(secret: str, *, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """HMAC-SHA256 over method, path, timestamp (seconds), nonce and the body's SHA-256, in hexadecimal."""
    signed = "\n".join(["POST", path, timestamp, nonce, hashlib.sha256(body).hexdigest()])
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


class Sms:
    """A gateway that takes a template's id and parameters as JSON, signed. See docs/deploying.md."""

    def send(self, letter: Letter) -> None:
        """Post one message; a redirect is not followed."""
        parts = urlsplit(settings.SMS_URL)
        path = parts.path + (f"?{parts.query}" if parts.query else "") or "/"
        facts = {"phone": letter.to, "template": letter.template, "parameters": dict(letter.parameters)}
        body = json.dumps({"key": str(letter.key), **facts}, ensure_ascii=False).encode()
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        signed = signature(settings.SMS_SECRET, path=path, timestamp=timestamp, nonce=nonce, body=body)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(letter.key),
            "X-Key": settings.SMS_KEY,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": signed,
        }
        status = _post(parts, path, body, headers)
        if status >= 500 or status in _LATER:
            raise Unreachable(f"HTTP {status}")
        if not 200 <= status < 300 and status != _KNOWN:
            raise Refused(f"HTTP {status}")


def _post(parts: SplitResult, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status that the gateway answers with."""
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=SMS_TIMEOUT)
    try:
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(type(error).__name__) from error
    finally:
        connection.close()


GATEWAYS: dict[OutboundChannel, Gateway] = {OutboundChannel.MAIL: Mail(), OutboundChannel.SMS: Sms()}
