"""Users, units, posts and substitutes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from grids.models import Place


class UserManager(BaseUserManager["User"]):
    """People who sign in, and the users of connected systems."""

    def people(self) -> models.QuerySet[User]:
        """Those who are people."""
        return self.filter(is_service=False)

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Save a new user; without a password nobody can sign in as them until one is set."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """Someone who signs in, by staff number (`username`) or phone.

    There is no superuser, no group and no permission row: what a user may do follows from the posts in
    force (`partymembers.access`), that of a connected system from its account, and from nothing else.
    """

    username = models.CharField(
        _("staff number"),
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(r"^[0-9A-Za-z][0-9A-Za-z_.@-]{1,49}$", _("Letters, digits and . _ - only."))
        ],
    )
    name = models.CharField(_("name"), max_length=50)
    phone = models.CharField(_("mobile phone"), max_length=20, unique=True, null=True, blank=True)
    disabled_at = models.DateTimeField(_("disabled at"), null=True, blank=True)
    #: Another system that calls the API (`ServiceAccount`): it never signs in.
    is_service = models.BooleanField(_("connected system"), default=False, db_default=False, editable=False)
    must_change_password = models.BooleanField(_("must change password"), default=False)
    date_joined = models.DateTimeField(_("added at"), default=timezone.now, editable=False)

    is_staff = False
    is_superuser = False

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # Sign-in takes either; a staff number that looks like a phone could be somebody else's.
            models.CheckConstraint(
                name="staff_number_is_no_mobile_number",
                condition=~models.Q(username__regex=r"^1[3-9][0-9]{9}$"),
                violation_error_message=_("A staff number must not look like a mobile number."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # Django declares an attribute that nobody sets
        """Whether the person may sign in."""
        return self.disabled_at is None

    def get_full_name(self) -> str:
        """The name as it is written."""
        return self.name

    def get_short_name(self) -> str:
        """The same: Chinese names are not shortened."""
        return self.name

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """Never: posts decide, not Django's permission rows."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Never, likewise."""
        return False


class Unit(models.Model):  # type: ignore[django-manager-missing]  # the branches' tree has no typed manager
    """Who is responsible for handling: a department, property company, street office…"""

    class Kind(models.TextChoices):
        DEPARTMENT = "department", _("Department")
        PROPERTY = "property", _("Property company")
        STREET_OFFICE = "street_office", _("Street office")
        COMMUNITY_OFFICE = "community_office", _("Community office")
        UTILITY = "utility", _("Utility company")
        OTHER = "other", _("Other unit")

    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.DEPARTMENT)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent unit")
    )
    place = models.ForeignKey(
        Place, models.PROTECT, null=True, blank=True, related_name="units", verbose_name=_("serves")
    )
    phone = models.CharField(_("duty phone"), max_length=20, blank=True)
    disabled_at = models.DateTimeField(_("disabled at"), null=True, blank=True)

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a post lets its holder do; over a place, in a unit, or for the system."""

    GRID_WORKER = "grid_worker", _("Grid worker")
    GRID_LEADER = "grid_leader", _("Grid leader")
    GRID_GUIDE = "grid_guide", _("Grid guide")
    BUILDING_CAPTAIN = "building_captain", _("Building captain")
    SECRETARY = "secretary", _("Community secretary")
    DESK = "desk", _("Desk staff")
    OFFICIAL = "official", _("Official")
    HANDLER = "handler", _("Handler")
    UNIT_HEAD = "unit_head", _("Head of unit")
    BRANCH_SECRETARY = "branch_secretary", _("Branch secretary")
    BRANCH_COMMITTEE = "branch_committee", _("Branch committee member")
    SYSTEM_OFFICER = "system_officer", _("System officer")
    SECURITY_OFFICER = "security_officer", _("Security officer")
    AUDIT_OFFICER = "audit_officer", _("Audit officer")


#: Roles that work on the ground of a place.
GROUND_ROLES = frozenset({Role.GRID_WORKER, Role.GRID_LEADER, Role.GRID_GUIDE, Role.BUILDING_CAPTAIN})
#: Roles that staff the desk of a place.
DESK_ROLES = frozenset({Role.SECRETARY, Role.DESK})
#: Roles held in a unit.
UNIT_ROLES = frozenset({Role.HANDLER, Role.UNIT_HEAD})
#: Roles held in a Party branch, for a term.
BRANCH_ROLES = frozenset({Role.BRANCH_SECRETARY, Role.BRANCH_COMMITTEE})
#: The three officers 三员: never one person, and no business post beside one.
OFFICER_ROLES = frozenset({Role.SYSTEM_OFFICER, Role.SECURITY_OFFICER, Role.AUDIT_OFFICER})
PLACE_ROLES = GROUND_ROLES | DESK_ROLES | {Role.OFFICIAL}


class Post(models.Model):
    """A user holds a role over a place (and all below), in a unit or in a branch, from one day to another.

    Both days are included; a branch's posts are held for a term.
    """

    class Employment(models.TextChoices):
        FULL_TIME = "full_time", _("Full-time")
        PART_TIME = "part_time", _("Part-time")

    user = models.ForeignKey(User, models.PROTECT, related_name="posts", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    place = models.ForeignKey(
        Place, models.PROTECT, null=True, blank=True, related_name="posts", verbose_name=_("place")
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="posts", verbose_name=_("unit")
    )
    branch = models.ForeignKey(
        "partymembers.Branch",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="posts",
        verbose_name=_("branch"),
    )
    employment = models.CharField(
        _("employment"), max_length=10, choices=Employment, default=Employment.FULL_TIME
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        constraints = [
            models.CheckConstraint(
                name="post_over_what_its_role_needs",
                condition=(
                    models.Q(
                        role__in=sorted(PLACE_ROLES),
                        place__isnull=False,
                        unit__isnull=True,
                        branch__isnull=True,
                    )
                    | models.Q(
                        role__in=sorted(UNIT_ROLES),
                        place__isnull=True,
                        unit__isnull=False,
                        branch__isnull=True,
                    )
                    | models.Q(
                        role__in=sorted(BRANCH_ROLES),
                        place__isnull=True,
                        unit__isnull=True,
                        branch__isnull=False,
                    )
                    | models.Q(
                        role__in=sorted(OFFICER_ROLES),
                        place__isnull=True,
                        unit__isnull=True,
                        branch__isnull=True,
                    )
                ),
            ),
            models.CheckConstraint(
                name="post_ends_after_it_starts",
                condition=models.Q(ends_on__isnull=True) | models.Q(ends_on__gte=models.F("starts_on")),
            ),
            models.UniqueConstraint(
                name="post_given_once_a_start",
                fields=["user", "role", "place", "unit", "branch", "starts_on"],
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(fields=["place", "role"]), models.Index(fields=["unit", "role"])]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} · {self.place or self.unit or self.branch or ''}"


class Substitution(models.Model):
    """代理: while a post's holder is absent, a colleague acts in it too."""

    post = models.ForeignKey(Post, models.PROTECT, related_name="substitutions", verbose_name=_("post"))
    substitute = models.ForeignKey(
        User, models.PROTECT, related_name="substitutions", verbose_name=_("substitute")
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("substitution")
        verbose_name_plural = _("substitutions")
        constraints = [
            models.CheckConstraint(
                name="substitution_ends_after_it_starts",
                condition=models.Q(ends_on__gte=models.F("starts_on")),
            ),
            models.UniqueConstraint(
                name="substitution_once_a_start", fields=["post", "substitute", "starts_on"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.substitute} ← {self.post}"


class TrustedDevice(models.Model):
    """A ground worker's own phone: its session may idle until `expires_at` instead of 30 minutes."""

    user = models.ForeignKey(User, models.CASCADE, related_name="trusted_devices", verbose_name=_("user"))
    label = models.CharField(_("device"), max_length=100, blank=True)
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    trusted_at = models.DateTimeField(_("trusted at"))
    expires_at = models.DateTimeField(_("expires at"))

    class Meta:
        verbose_name = _("trusted device")
        verbose_name_plural = _("trusted devices")
        ordering = ["-trusted_at"]

    def __str__(self) -> str:
        return self.label or str(self.pk)


class StaffChange(models.Model):
    """A person or unit was disabled or lost a post; those above read this and move open orders.

    `at` is the moment from which it holds and may lie in the future (a post with an end date):
    a reader takes the rows whose `at` has come, and asks `access_of` whether it still is so.
    """

    class Kind(models.TextChoices):
        USER_DISABLED = "user_disabled", _("User disabled")
        UNIT_DISABLED = "unit_disabled", _("Unit disabled")
        POST_ENDED = "post_ended", _("Post ended")

    kind = models.CharField(max_length=15, choices=Kind)
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="staff_changes")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="staff_changes")
    post = models.ForeignKey(Post, models.PROTECT, null=True, blank=True, related_name="staff_changes")
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.user or self.unit}"


class AuditEntry(models.Model):
    """Who signed in, read personal data or changed configuration; append-only, kept at least six months."""

    at = models.DateTimeField(_("at"), db_index=True)
    actor = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="audit_entries", verbose_name=_("actor")
    )
    action = models.CharField(_("action"), max_length=40, db_index=True)
    target = models.CharField(_("target"), max_length=100, blank=True)
    ip = models.GenericIPAddressField(_("address"), null=True, blank=True)
    data = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M} {self.action} {self.target}"
