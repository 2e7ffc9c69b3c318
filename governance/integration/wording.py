"""What the OpenAPI document says to somebody who has just got a key."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = """Orders, wishes, places, people and figures of a city's grid governance.

**Who calls.** `Authorization: Bearer gz_…`: a key of a connected system, made by the security officer.
Each key has scopes, and its account a place or a unit: rows beyond are not found, whatever asks for
them. `GET /api/v1/me/` says what a key opens.

**Lists** come in pages: follow `next` until it is null. `limit` says how many rows, `total=true` also
counts. `fields=number,state` gives only what is named; `expand=` adds what is left out by default.

**Writes** of orders, actions and exports take an `Idempotency-Key`: repeat a request with the same one
after a timeout, and it happens once. Where a row has an `ETag`, send it as `If-Match`, and nothing is
changed that you have not seen.

**Refusals** are problems (RFC 9457, `application/problem+json`). Programs rely on `code`; `detail` is
for people, in the language of `Accept-Language` (`zh-hans` or `en`). `404` also stands for what the
account may not see.

**How often**: each key has a rate a minute; `RateLimit-Remaining` tells what is left, `429` when to come
back.

**Words.** Times are RFC 3339 with their zone. Positions are WGS-84 unless `crs=gcj02`. Places are named
by their division code, matters, units and people by their code, orders by their number.

**What stays.** Within `v1` nothing that is described here goes away or comes to mean something else. New
addresses, optional parameters, fields and values may come at any time: pass over what you do not know."""

#: Resource (the first part of the address) → what it is about.
TAGS: Final = {
    "start": "The way in.",
    "me": "Who is calling, and what the key opens.",
    "places": "Divisions down to grids, their boundaries, and which grid holds a point.",
    "matters": "What orders are about, with the standards and times that hold for each.",
    "units": "Units that handle orders.",
    "orders": "Reports from receipt to end, with history, clocks and pictures; every action on them.",
    "actions": "What can be done to orders: the workflow as a table.",
    "wishes": "Small wishes of residents, taken up by Party members.",
    "uploads": "Files in parts, for lines that break.",
    "attachments": "Pictures and files of orders.",
    "members": "Party members who have checked in with a community, read-only.",
    "check-ins": "Which members have checked in where, read-only.",
    "points": "Points of members and what they were given for, read-only.",
    "figures": "Any figure for any place and period, by any dimension.",
    "party-figures": "Figures of check-ins, wishes, service and points.",
    "events": "The feed of changes: everything that has happened, in one order, without gaps.",
    "exports": "Lists written into files in the background.",
    "intake": "Another system's orders in its own words, read by a mapping.",
}
