"""GitHub: one archive with the repositories of an organization, or of the own account, made by a migration.

Source: https://docs.github.com/en/rest/migrations ("orgs", "users"), /rest/using-the-rest-api (rate limits, pages),
/migrations/using-ghe-migrator ("Exporting migration data from GitHub.com": scopes, at most 20 GB). What the documents
leave open is in docs/providers/github.md, with its source.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Final

from exports.providers import contract, parsing
from exports.providers.contract import Accepted, Job, Status
from exports.providers.github import accounts, lists, migrations
from exports.providers.github.errors import error_from_body
from exports.providers.github.options import ArchiveOptions, flags_of
from exports.transport import errors
from exports.transport.client import Client

COST: Final = "All repositories, unless you choose some. None is locked meanwhile."
NOT_LISTED: Final = "No migration in GitHub's list is of this request; how late that list is, is not documented."
MANY: Final = "{} repositories. Above about 100, GitHub often answers 502, though it makes the archive: use parts."


class GitHub(contract.Provider):
    slug = "github"
    label = "GitHub"
    icon, hue = "code", "teal"
    docs = "https://docs.github.com/en/rest/migrations"
    origins: ClassVar = {"production": "https://api.github.com"}
    address_help = "GitHub Enterprise Server: https://HOST/api/v3. With data residency: https://api.NAME.ghe.com."
    secrets = (contract.SecretField("token", "Personal access token", "A classic one; scopes: repo, admin:org."),)
    kinds = (
        contract.Kind(
            "archive",
            "Migration archive",
            ("tar.gz",),
            ArchiveOptions,
            timedelta(hours=24),
            COST,
            contract.PollInterval(15.0, 1.5, 60.0),
            rate_class="create",
            options_with_choices=("repositories",),
            authorised_download=True,  # Below the origin only: the store behind the redirect refuses the token.
            cleans_up=True,
        ),
    )
    status_map: ClassVar = migrations.STATES
    limits: ClassVar = {"normal": (5000, 3600.0), "create": (500, 3600.0)}
    rate_headers = contract.RateHeaders(refusals=frozenset({403}))
    project_help = "orgs/LOGIN of an organization that you own, or user for your own account."
    lists_projects, project_pattern, project_id = True, r"/(orgs/[A-Za-z0-9-]+)", lists.OWNER
    cancel_note = "GitHub can't cancel a migration. Its archive stays there for seven days."

    def headers(self, client: Client) -> dict[str, str]:
        accepted = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return {"Authorization": f"Bearer {client.secrets['token']}", **accepted}

    def error_from_response(self, status: int, body: object) -> errors.ProviderError | None:
        return error_from_body(status, body)

    def is_own_error(self, body: object) -> bool:
        return "message" in parsing.mapping(body)

    def prepare(self, client: Client, job: Job) -> contract.Ready:
        names = lists.wanted_repositories(client, job)
        return contract.Ready({"last": migrations.latest(client, job.project), "repositories": names})

    def submit(self, client: Client, job: Job) -> Accepted:
        """POST /orgs/:org/migrations or /user/migrations."""
        body = {
            "repositories": list(job.baseline.get("repositories", ())),
            **dict.fromkeys(flags_of(job.options), True),
        }
        row = parsing.mapping(client.post(lists.owner_path(job.project, "/migrations"), body, creates=True).body)
        if not (id_ := parsing.remote_id(row.get("id"))):
            raise errors.UnreadableError("GitHub took the request, but named no migration.")
        return Accepted(id_, migrations.status_of(row, job, id_))

    def find(self, client: Client, job: Job) -> Accepted | contract.Unknown:
        """After a 502 the migration often runs all the same (amitsaha/gitbackup, pull request 63)."""
        if "last" in job.baseline and (row := migrations.find(client, job)):
            id_ = parsing.remote_id(row["id"])
            return Accepted(id_, migrations.status_of(row, job, id_))
        return contract.Unknown(NOT_LISTED, may_turn_up="last" in job.baseline)

    def poll(self, client: Client, job: Job) -> Status:
        """GET …/migrations/:id."""
        row = parsing.mapping(client.get(migrations.path(job), migrations.BRIEFLY).body)
        parsing.check_id(row.get("id"), job.remote_id, "migration")
        return migrations.status_of(row, job, job.remote_id)

    def clean_up(self, client: Client, job: Job) -> None:
        """DELETE …/migrations/:id/archive, of a migration that the portal made."""
        if job.baseline and not job.options.get("keep_archive"):
            try:
                client.delete(migrations.path(job, "/archive"))
            except errors.NotFoundError:
                return  # It is gone already.

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        return parsing.run_check_steps(("Ask whose token it is", lambda: accounts.token_owner(client)))

    def resolve_project(self, client: Client, project: str) -> contract.RemoteProject:
        """Logins are the same in upper and lower case; GET /orgs/:org has the one that is kept."""
        return contract.RemoteProject(project, "") if project == "user" else accounts.organization(client, project)

    def projects(self, client: Client) -> Sequence[contract.RemoteProject]:
        return accounts.owners(client)

    def choices(self, client: Client, project: str, option: str) -> Sequence[tuple[str, str]]:
        return [(name, name) for name in lists.repositories(client, project)]

    def preflight(self, client: Client, job: Job) -> Sequence[contract.PreflightResult]:
        count = len(lists.wanted_repositories(client, job))
        return [contract.PreflightResult(True, MANY.format(count), notice=True)] if count > lists.PAGE_SIZE else []
