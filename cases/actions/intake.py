"""What another system hands in by its mapping: kept as it came, and made an order or added to one.

A number of a source makes one order. Sent again it answers with that order; what is said anew goes to it as
information. What is refused stays with its errors, and the system officer tries it again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.actions.catalogue import save_configuration
from cases.actions.engine import lock_case
from cases.actions.reporting import Contact, Report, add_information, place_report, report_case
from cases.actors import makes_tests
from cases.choices import matter_to_report, place_to_report
from cases.intake import Mapped, check_mapping, mapped, path_of, problem_of, read_json, rules_of
from cases.models import Case, Channel, IntakeMapping, IntakePayload
from cases.placing import require_reach
from governance.common.errors import DomainError, NotVisible, WrongState
from grids.coordinates import point_in
from grids.models import Place
from partymembers.audit import record_access
from partymembers.models import Role, ServiceAccount, User
from partymembers.rules import require_officer

AUDIT_LABELS: Final = {"intake_tried_again": gettext_lazy("Payload of another system tried again")}
_Outcome = IntakePayload.Outcome


def take_in(*, account: ServiceAccount, body: bytes, at: datetime) -> IntakePayload:
    """Keep what came, then make of it what the account's mapping says. Refusals are in the row, not raised.

    The row is there before anything else is done, so that even a fault that nobody foresaw loses nothing.
    """
    kept = IntakePayload(account=account, received_at=at, tried_at=at, body=body, outcome=_Outcome.REFUSED)
    kept.errors = [problem_of("", _("This was not finished. Please send it again."), "unfinished")]
    kept.save()
    _make(kept, at)
    kept.save()
    return kept


@transaction.atomic
def retry_payload(
    *, payload_id: int, actor: User | None, at: datetime, ip: str | None = None
) -> IntakePayload:
    """Make of a refused payload what the mapping says now.

    Raises NotVisible, NotAllowed, or WrongState for one that was taken.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    rows = IntakePayload.objects.select_for_update(of=("self",)).select_related("account__user")
    kept = rows.filter(pk=payload_id).first()
    if kept is None:
        raise NotVisible()
    if kept.outcome != _Outcome.REFUSED:
        raise WrongState(_("This has been taken already."))
    kept.tries, kept.tried_at = kept.tries + 1, at
    _make(kept, at)
    kept.save()
    record_access(actor, "intake_tried_again", kept, ip, at=at, outcome=kept.outcome, tries=kept.tries)
    return kept


def save_mapping(
    mapping: IntakeMapping, *, actor: User | None, at: datetime, ip: str | None = None
) -> IntakeMapping:
    """Write a checked mapping. Raises NotAllowed, or Invalid with the field that is wrong."""
    check_mapping(mapping)
    return save_configuration(mapping, actor=actor, at=at, ip=ip)


def _make(kept: IntakePayload, at: datetime) -> None:
    """Outcome, order and errors of a payload; a DomainError becomes its error."""
    mapping = IntakeMapping.objects.filter(account=kept.account).first()
    kept.errors, kept.outcome = [], _Outcome.REFUSED
    if mapping is None:
        told = _("No mapping is set up for this account; what came was kept. Ask the system officer.")
        kept.errors = [problem_of("", told, "no_mapping")]
        return
    try:
        found = mapped(mapping, read_json(bytes(kept.body)))
        kept.source_number = found.text("source_number")[:100]
        kept.errors = found.errors or found.remarks
        if not found.errors:
            kept.case, kept.outcome = _bring(mapping, found, kept.account.user, at)
    except DomainError as error:
        field = path_of(rules_of(mapping.rules), error.field) if error.field else ""
        kept.errors = [problem_of(field, str(error.message), error.code)]


def _bring(mapping: IntakeMapping, found: Mapped, by: User, at: datetime) -> tuple[Case, str]:
    known = _known(mapping, found, by)
    if known is not None:
        return known, _add(known, found, by, at)
    report, contact = report_of(mapping, found)
    case = report_case(report=report, reporter=by, at=at, contact=contact)
    if case.came_before:  # somebody else was faster with the same number
        return case, _add(case, found, by, at)
    return case, _Outcome.CREATED


def _known(mapping: IntakeMapping, found: Mapped, by: User) -> Case | None:
    number = found.text("source_number")
    case = Case.objects.filter(source=mapping.source, source_number=number, is_test=makes_tests(by)).first()
    if case is not None and case.reporter_id != by.pk:
        raise WrongState(_("Another account has reported this number."), field="source_number")
    return case


@transaction.atomic
def _add(case: Case, found: Mapped, by: User, at: datetime) -> str:
    """What is said anew, once; the lock comes before the look at what was said."""
    held, outcome = lock_case(case.pk), _Outcome.REPEATED
    for text in (found.text("addition"), found.text("description")):
        is_told = text in held.description or held.events.filter(kind="add_information", note=text).exists()
        if text and not is_told:
            add_information(case_id=case.pk, actor=by, at=at, note=text)
            outcome = _Outcome.UPDATED
    return outcome


def report_of(mapping: IntakeMapping, found: Mapped) -> tuple[Report, Contact]:
    """The report that a payload makes, its rows looked up. Raises Invalid that names our field."""
    lng, lat = found.values.get("lng"), found.values.get("lat")
    if lng is not None and lat is not None:
        lng, lat = point_in(lng, lat, mapping.crs, field="position")
    texts = dict.fromkeys(text for name in ("description", "addition") if (text := found.text(name)))
    report = Report(
        matter=matter_to_report(found.text("matter")),
        channel=found.text("channel") or Channel.HOTLINE,
        description="\n".join(texts),
        address=found.text("address"),
        lng=lng,
        lat=lat,
        place=_place(mapping, found),
        device_time=found.values.get("seen_at"),
        source=mapping.source,
        source_number=found.text("source_number"),
    )
    return report, Contact(name=found.text("name"), phone=found.text("phone"))


def look_ahead(mapping: IntakeMapping, body: bytes, *, at: datetime) -> Mapped:
    """What a payload would become by a mapping, its rows by code and name; nothing is written.

    Raises Invalid for a mapping that cannot work.
    """
    check_mapping(mapping)
    found = Mapped()
    try:
        found = mapped(mapping, read_json(body))
        if found.errors:
            return found
        report, _contact = report_of(mapping, found)
        located = place_report(report.lng, report.lat, report.place)
        by, field = mapping.account.user, "position" if report.place is None else "place"
        require_reach(by, located.territory, at, field=field)
        place, matter = located.territory.place, report.matter
        found.values |= {"matter": f"{matter.full_code} {matter.name}", "place": f"{place.code} {place.name}"}
    except DomainError as error:
        field = path_of(rules_of(mapping.rules), error.field) if error.field else ""
        found.errors.append(problem_of(field, str(error.message), error.code))
    return found


def _place(mapping: IntakeMapping, found: Mapped) -> Place | None:
    """The named place. A default stands in only for what has no position."""
    code: Any = found.text("place")
    is_default = code == rules_of(mapping.rules)["place"].default if code else False
    if not code or (is_default and "lng" in found.values):
        return None
    return place_to_report(code)
