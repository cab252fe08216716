"""People, teams and memberships."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

OWNER, MEMBER, VIEWER = "owner", "member", "viewer"


class UserManager(BaseUserManager["User"]):
    """Users are looked up by their e-mail address, in any case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new user. Without a password the account cannot sign in yet."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new user of the portal's staff with all permissions in the admin site."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who signs in with the e-mail address. Never deleted, only deactivated, since history names people."""

    email = models.EmailField("e-mail address", unique=True)
    email_confirmed = models.BooleanField(
        "address confirmed",
        default=True,
        help_text="Unset for who typed an address that nothing has shown to be theirs: no mail goes there.",
    )
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField("portal staff", default=False, help_text="May use the admin site.")
    is_active = models.BooleanField("active", default=True, help_text="Unset this instead of deleting a person.")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Times are shown in this zone.")
    theme = models.CharField(
        max_length=5, choices=[("auto", "As the device"), ("light", "Light"), ("dark", "Dark")], default="auto"
    )
    language = models.CharField(
        max_length=5,
        choices=[("", "As the browser asks"), ("en", "English"), ("fr", "Français")],
        blank=True,
        default="",
        db_default="",
        help_text="Of pages and mails. Empty: pages as the browser asks, mails in English.",
    )
    shortcuts = models.BooleanField(
        "keyboard shortcuts",
        default=True,
        db_default=True,
        help_text="Single keys act on pages. Ctrl-K works in any case.",
    )
    mail_success = models.BooleanField("mail when an export of mine succeeds", default=True)
    mail_failure = models.BooleanField("mail when an export of mine fails", default=True)
    erased_at = models.DateTimeField(null=True, editable=False, help_text="Name and address were taken out then.")
    date_joined = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        """The name, or the e-mail address where there is none."""
        return self.name or self.email


class TeamQuerySet(models.QuerySet["Team"]):
    def for_user(self, user: User) -> "TeamQuerySet":
        """The teams that the person is a member of."""
        return self.filter(member__user=user)


class Team(models.Model):
    """People who share credentials, projects and exports.

    `kept_bytes` and `kept_files` are totals of its kept files, updated with every file that is stored or deleted.
    """

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=100, unique=True)
    kept_bytes = models.BigIntegerField(default=0, editable=False)
    kept_files = models.PositiveIntegerField(default=0, editable=False)
    quota_bytes = models.PositiveBigIntegerField(
        "most bytes kept",
        null=True,
        blank=True,
        help_text="What the team may keep in all. Empty: as the disk has room.",
    )
    require_second_factor = models.BooleanField(
        "demands a second factor",
        default=False,
        help_text="Members see the team's pages only once they have one. Tokens of the API go on.",
    )
    time_zone = models.CharField(
        max_length=64, default="UTC", db_default="UTC", help_text="In which schedules run unless they say so."
    )
    language = models.CharField(
        max_length=5,
        choices=[("en", "English"), ("fr", "Français")],
        default="en",
        db_default="en",
        help_text="Of messages to chats, phones, and addresses of nobody with an account.",
    )
    paused_at = models.DateTimeField(null=True, editable=False, help_text="Nothing new is asked for since then.")
    deletes_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When its files and credentials are deleted, unless it is kept.",
    )
    deletion_notified_at = models.DateTimeField(
        null=True, editable=False, help_text="When mails about the deletion were queued; None while they were not."
    )
    deleted_at = models.DateTimeField(
        null=True, editable=False, help_text="Nothing but the record of its exports is left since then."
    )
    odd_change_percent = models.PositiveSmallIntegerField(
        "odd from a change of",
        null=True,
        default=50,
        help_text="Percent of rows or bytes against the exports before. Empty: nothing is odd.",
    )
    expiry_notice_days = models.PositiveSmallIntegerField(
        default=3,
        db_default=3,
        help_text="Days between the notice that a file which nobody downloaded goes, and its going.",
    )
    quota_notified_percent = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    users = models.ManyToManyField(User, through="Member", related_name="teams")

    objects = TeamQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person in a team. Viewers see and download, members also export, owners also manage credentials and members."""

    ROLES: ClassVar = [(OWNER, "Owner"), (MEMBER, "Member"), (VIEWER, "Viewer")]

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.CharField(max_length=10, choices=ROLES, default=MEMBER)
    mail_scope = models.CharField(
        max_length=5,
        choices=[("mine", "My exports"), ("all", "All of the team"), ("none", "Nothing")],
        default="mine",
        db_default="mine",
        help_text="Which events of the team the person is mailed.",
    )
    mail_events = models.JSONField(null=True, help_text="The chosen events; null: by the choices of the account.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "user"], name="member_once_a_team"),
            models.CheckConstraint(condition=models.Q(role__in=[OWNER, MEMBER, VIEWER]), name="member_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"
