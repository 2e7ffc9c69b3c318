"""The forms of service. They offer what the person may choose; the actions check all the same."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from governance.common.forms import BaseForm
from grids.models import Compound, Level, Place
from partymembers.access import in_force
from partymembers.models import Activity, Branch, Post, Project, SignUp, Skill, Team, Unit, User

LOCAL = "%Y-%m-%dT%H:%M"
_ALL_PLACES = Place.objects.none()


def _words(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class InstantField(forms.DateTimeField):
    """A local day and time, as a phone's own picker gives them."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)

    def prepare_value(self, value: Any) -> Any:
        """The instant on the city's clock."""
        return timezone.localtime(value) if isinstance(value, dt.datetime) and value.tzinfo else value


class DayField(forms.DateField):
    """A day from the picker."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def communities() -> QuerySet[Place]:
    """Every community of the city."""
    return Place.objects.current().filter(level=Level.COMMUNITY).order_by("code")


class VolunteerForm(BaseForm):
    """What a volunteer tells of themselves."""

    community = forms.ModelChoiceField(
        label=_("Community where you serve"), queryset=_ALL_PLACES, empty_label=_("Please choose")
    )
    skills = forms.ModelMultipleChoiceField(
        label=_("What you can do"),
        queryset=Skill.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    introduction = forms.CharField(
        label=_("About you"),
        max_length=500,
        required=False,
        widget=_words(),
        help_text=_("For the desk of your community. No phone number is needed."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["community"].queryset = communities()  # type: ignore[attr-defined]
        self.fields["skills"].queryset = Skill.objects.filter(is_active=True)  # type: ignore[attr-defined]


class TeamForm(BaseForm):
    """A new team."""

    name = forms.CharField(label=_("Name of the team"), max_length=100)
    place = forms.ModelChoiceField(label=_("Community"), queryset=_ALL_PLACES, empty_label=None)
    leader = forms.ModelChoiceField(
        label=_("Team leader"), queryset=User.objects.none(), empty_label=_("Please choose")
    )
    purpose = forms.CharField(label=_("What the team does"), max_length=500, required=False, widget=_words(2))

    def __init__(self, *args: Any, places: QuerySet[Place], leaders: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].queryset = places  # type: ignore[attr-defined]
        self.fields["leader"].queryset = leaders  # type: ignore[attr-defined]


class HandOverForm(BaseForm):
    """Who leads the team from now on."""

    leader = forms.ModelChoiceField(
        label=_("New team leader"), queryset=User.objects.none(), empty_label=_("Please choose")
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(
            team_memberships__team=team, team_memberships__left_at=None, disabled_at=None
        )
        self.fields["leader"].queryset = people.exclude(pk=team.leader_id).order_by("name")  # type: ignore[attr-defined]


class ActivityForm(BaseForm):
    """What, where, when, for how many."""

    title = forms.CharField(label=_("Title"), max_length=100)
    place = forms.ModelChoiceField(label=_("Community"), queryset=_ALL_PLACES, empty_label=None)
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.none(), required=False, empty_label=_("No team")
    )
    where = forms.CharField(label=_("Meeting point"), max_length=200)
    starts_at = InstantField(label=_("Starts at"))
    ends_at = InstantField(label=_("Ends at"))
    capacity = forms.IntegerField(label=_("How many can come"), min_value=1, max_value=1000, initial=20)
    description = forms.CharField(
        label=_("What to do, what to bring"), max_length=2000, required=False, widget=_words(4)
    )

    def __init__(self, *args: Any, places: QuerySet[Place], teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].queryset = places  # type: ignore[attr-defined]
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]

    @staticmethod
    def of(activity: Activity) -> dict[str, Any]:
        """What the form shows of an activity that is changed."""
        names = ("title", "where", "starts_at", "ends_at", "capacity", "description")
        values = {name: getattr(activity, name) for name in names}
        return {**values, "place": activity.place_id, "team": activity.team_id}


class ReasonForm(BaseForm):
    """Why."""

    reason = forms.CharField(label=_("Reason"), max_length=200, widget=_words(2))


class AttendanceForm(ReasonForm):
    """When somebody came and went; both empty: they were not there."""

    arrived_at = InstantField(label=_("Arrived at"), required=False)
    left_at = InstantField(label=_("Left at"), required=False)
    field_order = ("arrived_at", "left_at", "reason")

    @staticmethod
    def of(mine: SignUp) -> dict[str, Any]:
        """What is known so far, or the whole activity."""
        activity = mine.activity
        return {
            "arrived_at": mine.arrived_at or activity.starts_at,
            "left_at": mine.left_at or activity.ends_at,
        }


class LookUpForm(BaseForm):
    """Who stands at the counter."""

    name = forms.CharField(
        label=_("Full name"), max_length=50, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    tail = forms.RegexField(
        label=_("Last four digits of the phone"),
        regex=r"^[0-9]{4}$",
        max_length=4,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": _("Four digits, please.")},
    )


class StockForm(ReasonForm):
    """How many came in, or (below zero) went out."""

    change = forms.IntegerField(
        label=_("Came in (or went out: −3)"), min_value=-100_000, max_value=100_000, initial=1
    )
    field_order = ("change", "reason")


class OfferForm(BaseForm):
    """Something for the list of resources."""

    title = forms.CharField(label=_("What is offered"), max_length=100)
    description = forms.CharField(
        label=_("When, how much, for whom"), max_length=2000, required=False, widget=_words()
    )
    skill = forms.ModelChoiceField(
        label=_("Skill"), queryset=Skill.objects.none(), required=False, empty_label=_("None of these")
    )
    place = forms.ModelChoiceField(label=_("For whom"), queryset=_ALL_PLACES, empty_label=None)
    compound = forms.ModelChoiceField(
        label=_("Compound"), queryset=Compound.objects.none(), required=False, empty_label=_("All of it")
    )
    unit = forms.ModelChoiceField(
        label=_("In the name of a unit"),
        queryset=Unit.objects.none(),
        required=False,
        empty_label=_("My own"),
    )
    branch = forms.ModelChoiceField(
        label=_("In the name of a branch"),
        queryset=Branch.objects.none(),
        required=False,
        empty_label=_("My own"),
    )
    ends_on = DayField(label=_("Until"), required=False)

    def __init__(
        self, *args: Any, places: list[Place], unit_ids: Any, branch_ids: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        ids = [place.pk for place in places]
        choices: dict[str, QuerySet[Any]] = {
            "skill": Skill.objects.filter(is_active=True),
            "place": Place.objects.filter(pk__in=ids).order_by("-depth"),
            "compound": Compound.objects.filter(community__in=ids).order_by("name"),
            "unit": Unit.objects.filter(pk__in=unit_ids),
            "branch": Branch.objects.filter(pk__in=branch_ids),
        }
        for name, rows in choices.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        for name, ids_of in (("unit", unit_ids), ("branch", branch_ids)):
            if not ids_of:
                del self.fields[name]


class ProjectForm(BaseForm):
    """A project that a branch takes on."""

    title = forms.CharField(label=_("Title"), max_length=100)
    description = forms.CharField(label=_("Description"), max_length=2000, required=False, widget=_words())
    branch = forms.ModelChoiceField(
        label=_("Branch in charge"), queryset=Branch.objects.none(), empty_label=None
    )
    place = forms.ModelChoiceField(label=_("Place"), queryset=_ALL_PLACES, empty_label=None)
    compound = forms.ModelChoiceField(
        label=_("Compound"), queryset=Compound.objects.none(), required=False, empty_label=_("All of it")
    )
    lead = forms.ModelChoiceField(
        label=_("Led by"), queryset=User.objects.none(), empty_label=_("Please choose")
    )
    due_on = DayField(label=_("To be done by"))

    def __init__(
        self, *args: Any, branches: QuerySet[Branch], places: QuerySet[Place], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        seated = Post.objects.filter(in_force(timezone.localdate()), branch__in=branches)
        checked_in = Q(member__left_on=None, member__checkin_branch__in=branches)
        inside = checked_in | Q(pk__in=seated.values("user_id"))
        choices: dict[str, QuerySet[Any]] = {
            "branch": branches,
            "place": places,
            "compound": Compound.objects.filter(community__in=places.values("pk")).order_by("name"),
            "lead": User.objects.filter(inside, disabled_at=None).distinct().order_by("name"),
        }
        for name, rows in choices.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]


class ProgressForm(BaseForm):
    """How far it is."""

    state = forms.ChoiceField(label=_("State"), choices=Project.State.choices)
    progress = forms.CharField(label=_("How far it is"), max_length=500, widget=_words())
