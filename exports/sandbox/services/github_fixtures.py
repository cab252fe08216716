"""The owners and repositories of the GitHub stand-in, its tokens, and what it declares."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from exports.sandbox.declaration import Declaration, DemoExport, FaultProject, LimitWindow

LOGIN: Final = "stand-in-owner"
SCOPES: Final = "admin:org, repo, user"
# Tokens with other scopes. A fine-grained one has none, and no header names any.
OTHER_TOKENS: Final[Mapping[str, str | None]] = {"sandbox-few-scopes": "public_repo", "sandbox-fine-grained": None}
OWNERS: Final[Mapping[str, tuple[str, ...]]] = {
    LOGIN: ("dotfiles", "notes"),
    "acme": ("website", "api", "handbook"),
    "many": tuple(f"service-{number:03}" for number in range(1, 237)),
    "empty": (),
    "saml": ("vault",),
    "strict": ("vault",),
}
ABOUT: Final = {
    "user": "the own account, with two repositories",
    "orgs/acme": "well-behaved, three repositories, and an import by another tool among the migrations",
    "orgs/many": "236 repositories, in three pages",
    "orgs/empty": "no repositories",
    "orgs/saml": "403: the token must be authorised for single sign-on",
    "orgs/strict": "403: the organization forbids classic tokens",
}
FLAGS: Final = (
    *("lock_repositories", "exclude_metadata", "exclude_git_data", "exclude_attachments", "exclude_releases"),
    *("exclude_owner_projects", "org_metadata_only"),
)
MESSAGES: Final = {
    400: "Problems parsing JSON",
    401: "Bad credentials",
    403: "Resource not accessible by personal access token",
    404: "Not Found",
    409: "Conflict",
    422: "Validation Failed",
    429: "API rate limit exceeded for user ID 9001.",
    500: "Server Error",
    503: "Service Unavailable",
}
SECONDARY_LIMIT: Final[Mapping[str, Any]] = {
    "status": 403,
    "times": 1,
    "headers": {"retry-after": "2"},
    "body": {
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "documentation_url": "https://docs.github.com/rest",
    },
}
SAML_MESSAGE: Final = (
    "Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)
CLASSIC_MESSAGE: Final = (
    "`strict` forbids access via a personal access token (classic). "
    "Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions."
)
FAULT_OWNER: Final = "fault-"


def limit_headers(window: LimitWindow) -> dict[str, str]:
    """The primary limit, as every answer tells it; the reset is in seconds since 1970."""
    return {
        "x-ratelimit-limit": str(window.allowed),
        "x-ratelimit-remaining": str(window.left),
        "x-ratelimit-used": str(window.allowed - window.left),
        "x-ratelimit-reset": str(int(window.end) + 1),
        "x-ratelimit-resource": "core",
    }


DECLARATION: Final = Declaration(
    slug="github",
    label="GitHub",
    secrets={"token": "sandbox-token"},
    credentials_text=(
        "token `sandbox-token`; `sandbox-few-scopes` and `sandbox-fine-grained` are refused where GitHub refuses such"
        " tokens"
    ),
    project_id="orgs/acme",
    project_name="Acme",
    exports=(DemoExport("archive", "tar.gz"),),
    fault_project_id=f"orgs/{FAULT_OWNER}{{:02}}",
    well_behaved=("user", "orgs/many"),
    own_fault_projects=(
        FaultProject(
            91,
            (
                (
                    "poll",
                    "status",
                    {"status": 403, "body": SECONDARY_LIMIT, "headers": {"retry-after": "2"}, "times": 1},
                ),
            ),
            "a secondary limit, answered 403 once",
        ),
        FaultProject(92, (("submit", "status", {"status": 502, "done": True}),), "502, but the migration was made"),
    ),
    content_types={"tar.gz": "application/x-gzip"},
    limits={"all": 5000, "create": 500},
    limit_window=3600.0,
    limit_headers=limit_headers,
)


def format_date(when: float) -> str:
    """A time as migrations have it: with an offset."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds")


def project_of(owner: str) -> str:
    """The portal's name of an owner: `user` or `orgs/{login}`."""
    return "user" if owner == LOGIN else f"orgs/{owner}"


def owner_of(project: str) -> str:
    """The login of a project."""
    return LOGIN if project == "user" else project.removeprefix("orgs/")


def repositories_of(owner: str) -> tuple[str, ...]:
    """The short names of an owner's repositories."""
    return OWNERS.get(owner, ("website", "api"))


def is_owner(login: str) -> bool:
    """Whether there is such an organization, or it is the own account."""
    return login in OWNERS or login.startswith(FAULT_OWNER)


def account_json(login: str) -> dict[str, Any]:
    """An account, as far as clients look at it."""
    return {"login": login, "id": int.from_bytes(login.encode()[-4:]), "url": f"https://api.github.com/users/{login}"}


def repository_json(full_name: str) -> dict[str, Any]:
    """A repository as lists and migrations show it."""
    owner, _, name = full_name.partition("/")
    return {
        "id": int.from_bytes(full_name.encode()[-4:]),
        "name": name,
        "full_name": full_name,
        "owner": account_json(owner),
        "private": True,
        "visibility": "private",
        "html_url": f"https://github.com/{full_name}",
        "fork": False,
        "archived": name == "handbook",
        "disabled": False,
        "default_branch": "main",
    }
