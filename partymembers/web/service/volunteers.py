"""The hub of service, one's own registration, and the list of volunteers for those who keep a community."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import NotAllowed, NotVisible
from governance.common.methods import require_form
from governance.common.pagination import paginate
from partymembers.actions.volunteers import change_volunteer, leave_volunteers, register_volunteer
from partymembers.audit import address_of, read_personal
from partymembers.keepers import home_of
from partymembers.ledger import balance_of
from partymembers.middleware import access_for
from partymembers.models import DESK_ROLES, Skill, Volunteer
from partymembers.volunteering import my_sign_ups, volunteers_for
from partymembers.web.doors import do, user_of
from partymembers.web.service.forms import VolunteerForm
from partymembers.web.service.pages import Words, form_page, show


@login_required
@require_safe
def hub(request: HttpRequest) -> HttpResponse:
    """Points, what I have signed up for, and the ways to everything else."""
    user, access = user_of(request), access_for(request)
    volunteer = Volunteer.objects.select_related("community").filter(user=user, left_at=None).first()
    context = {
        "balance": balance_of(user),
        "volunteer": volunteer,
        "sign_ups": my_sign_ups(user, at=timezone.now())[:5],
        "keeps": _keeps_people(request),
        "is_officer": bool(access.officer_roles),
    }
    return show(request, "hub", context)


def _keeps_people(request: HttpRequest) -> bool:
    access = access_for(request)
    return bool(access.branches or access.place_roles() & DESK_ROLES)


@login_required
@require_form
def volunteer(request: HttpRequest) -> HttpResponse:
    """Register as a volunteer, or change one's registration. Only for people with an account."""
    user = user_of(request)
    if access_for(request).officer_roles:
        raise NotAllowed(_("An officer's post stands alone: officers take no part in the business."))
    found = Volunteer.objects.filter(user=user, left_at=None).first()
    form = VolunteerForm(request.POST or None, initial=_known(request, found))
    words = Words(
        title=_("My registration") if found else _("Become a volunteer"),
        submit=_("Save") if found else _("Register"),
        back=reverse("service:hub"),
        done=_("Saved.") if found else _("Welcome! You can sign up for activities now."),
        note=_("Your name and phone come from your account; only the desk of your community sees them."),
    )

    def act(typed: dict[str, Any]) -> str:
        write = change_volunteer if found else register_volunteer
        write(user=user, at=timezone.now(), **typed)
        return reverse("service:hub")

    return form_page(request, form, act, words)


def _known(request: HttpRequest, found: Volunteer | None) -> dict[str, Any]:
    if found is None:
        home = home_of(user_of(request))
        return {"community": home.pk if home else None}
    skills = found.skills.values_list("pk", flat=True)
    return {"community": found.community_id, "skills": list(skills), "introduction": found.introduction}


@login_required
@require_POST
def volunteer_leave(request: HttpRequest) -> HttpResponse:
    """Stop being a volunteer."""
    return do(
        request,
        lambda at: leave_volunteers(user=user_of(request), at=at),
        done=_("You are no longer registered. Thank you for your service."),
        to=reverse("service:hub"),
    )


@login_required
@require_safe
def volunteers(request: HttpRequest) -> HttpResponse:
    """The volunteers of the communities that the reader keeps; phones are masked."""
    if not _keeps_people(request):
        raise NotVisible
    skills = list(Skill.objects.filter(is_active=True))
    chosen = next((skill for skill in skills if skill.code == request.GET.get("skill")), None)
    page = paginate(
        volunteers_for(access_for(request), skill=chosen),
        order="-registered_at",
        cursor=request.GET.get("cursor", ""),
        count_up_to=1000,
    )
    return show(request, "volunteers", {"page": page, "skills": skills, "chosen": chosen})


@login_required
@require_POST
def volunteer_phone(request: HttpRequest, volunteer_id: int) -> HttpResponse:
    """A volunteer's phone in full; opening it is written into the audit trail."""
    found = volunteers_for(access_for(request)).filter(pk=volunteer_id).first()
    if found is None or not found.user.phone:
        raise NotVisible
    shown = read_personal(
        user_of(request),
        what="phone",
        value=found.user.phone,
        target=found.user,
        at=timezone.now(),
        ip=address_of(request),
    )
    return render(request, "partymembers/service/_phone.html", {"phone": shown})
