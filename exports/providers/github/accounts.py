"""Whose a token is, what it may do, and which owners' repositories it can export."""

from collections.abc import Mapping, Sequence
from typing import Final

from exports.providers import parsing
from exports.providers.contract import RemoteProject
from exports.providers.github.lists import owner_path, pages
from exports.providers.paged_lists import IncompleteList
from exports.transport.client import Client
from exports.transport.errors import CredentialError, UnreadableError

OWN_ACCOUNT: Final = RemoteProject("user", "Own account")
NO_SCOPES: Final = "no classic token: GitHub refuses it for the own account, and may refuse it for organizations"
NO_ORGANIZATIONS: Final = "without admin:org, which organizations need"


def token_owner(client: Client) -> tuple[str, Mapping[str, int]]:
    """GET /user. Its headers name the scopes of a classic token, and the limit, which Enterprise Server may lack."""
    answer = client.get("/user")
    login = parsing.text(parsing.mapping(answer.body).get("login"))
    scopes, limit = answer.headers.get("X-OAuth-Scopes"), parsing.integer(answer.headers.get("X-RateLimit-Limit"))
    limits = {"normal": limit} if limit else {}
    if scopes is None:
        return f"{login}; {NO_SCOPES}", limits
    names = scopes.replace(",", " ").split()
    if "repo" not in names:
        raise CredentialError(f"The token lacks the scope repo; it has: {', '.join(names) or 'none'}.")
    return f"{login}; scopes {', '.join(names)}" + ("" if "admin:org" in names else f", {NO_ORGANIZATIONS}"), limits


def organization(client: Client, project: str) -> RemoteProject:
    """GET /orgs/:org, by its login as GitHub spells it. Raises NotFoundError."""
    row = parsing.mapping(client.get(owner_path(project, "")).body)
    if not (login := parsing.text(row.get("login"))):
        raise UnreadableError("GitHub answered without the organization's login.")
    return RemoteProject(f"orgs/{login}", parsing.text(row.get("name")) or login)


def owners(client: Client) -> Sequence[RemoteProject]:
    """The own account and, by GET /user/memberships/orgs, the organizations that it owns; nobody else exports them."""
    try:
        rows = [row for row in pages(client, "/user/memberships/orgs", state="active") if row.get("role") == "admin"]
    except CredentialError:
        return IncompleteList([OWN_ACCOUNT])
    logins = [parsing.text(parsing.mapping(row.get("organization")).get("login")) for row in rows]
    return [OWN_ACCOUNT, *(RemoteProject(f"orgs/{login}", login) for login in logins if login)]
