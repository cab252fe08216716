"""The stand-in for GitHub: migrations of organizations and of the own account, with their archives.

Its origin has the paths of api.github.com; below `/api/v3` it answers as GitHub Enterprise Server does. Archives are in
the storage, outside the API.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exports.sandbox.blob import Blob
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import ProjectAndJob, Route, Service
from exports.sandbox.request_parsing import Request, Response, json_response
from exports.sandbox.services.github_fixtures import (
    ABOUT,
    CLASSIC_MESSAGE,
    DECLARATION,
    FLAGS,
    LOGIN,
    MESSAGES,
    OTHER_TOKENS,
    OWNERS,
    SAML_MESSAGE,
    SCOPES,
    account_json,
    format_date,
    is_owner,
    owner_of,
    project_of,
    repositories_of,
    repository_json,
)
from exports.sandbox.tarballs import build_tar_gz_of

ENTERPRISE_PREFIX = "/api/v3"
# An archive is deleted after seven days. How long a link lives is not documented; that of a release lives five minutes.
ARCHIVE_SECONDS, LINK_SECONDS = 7 * 86_400.0, 300.0
PENDING_SHARE = 0.15


class GitHub(Service):
    """Routes below `/user` and `/orgs/{org}`."""

    declaration = DECLARATION

    def build_routes(self) -> None:
        """All routes; the one that creates content is in the rate-limit class `create`."""
        self.route("GET", "/user", "auth", self.me)
        self.route("GET", "/user/memberships/orgs", "list", self.memberships)
        self.route("GET", "/orgs/{org}", "auth", self.account, self.organization)
        for base, owner in (("/user", self.own_account), ("/orgs/{org}", self.organization)):
            one = f"{base}/migrations/{{job}}"
            self.route("GET", f"{base}/repos", "list", self.repositories, owner)
            self.route("POST", f"{base}/migrations", "submit", self.start, owner, limit="create")
            self.route("GET", f"{base}/migrations", "list", self.migrations, owner)
            self.route("GET", one, "poll", self.migration, self.by_job)
            self.route("GET", f"{one}/repositories", "list", self.migrated, self.by_job)
            self.route("GET", f"{one}/archive", "file", self.archive, self.by_job)
            self.route("DELETE", f"{one}/archive", "side", self.delete_archive, self.by_job)
            self.route("DELETE", f"{one}/repos/{{repo}}/lock", "side", self.unlock, self.by_job)

    def find_route(self, call: Request) -> Route | None:
        """The route, also below `/api/v3`."""
        if call.path.startswith(f"{ENTERPRISE_PREFIX}/"):
            call.path, call.origin = call.path.removeprefix(ENTERPRISE_PREFIX), call.origin + ENTERPRISE_PREFIX
        return super().find_route(call)

    def own_account(self, call: Request) -> ProjectAndJob:
        """The project `user`."""
        return "user", None

    def organization(self, call: Request) -> ProjectAndJob:
        """The project `orgs/{org}`. Logins are the same in upper and lower case."""
        return f"orgs/{call.path_parameters['org'].lower()}", None

    def by_job(self, call: Request) -> ProjectAndJob:
        """The migration in the path, where it is one of the owner in the path."""
        project = self.organization(call)[0] if "org" in call.path_parameters else "user"
        job = self.state.jobs.get(self.slug, call.path_parameters["job"])
        call.job = job if job is not None and job.project == project else None
        return project, call.job

    def authenticate(self, call: Request) -> str | Response:
        """`Bearer` or `token` with a known token that may do what it asks for."""
        scheme, _, token = call.header("Authorization").partition(" ")
        token, org = token.strip(), call.path_parameters.get("org", "").lower()
        is_known = token in OTHER_TOKENS or self.accepts("token", token)
        if scheme.lower() not in ("bearer", "token") or not is_known:
            return self.error_response(401)
        scopes = OTHER_TOKENS.get(token, SCOPES)
        if scopes is None and "/migrations" in call.path:
            return self.error_response(403)
        if scopes is not None and org and "admin:org" not in scopes:
            return self._naming_scopes(self.error_response(404), token)
        if org == "saml":
            refusal = self.error_response(403, SAML_MESSAGE)
            refusal.headers["X-GitHub-SSO"] = "required; url=https://github.com/orgs/saml/sso?authorization_request=ABC"
            return refusal
        return self.error_response(403, CLASSIC_MESSAGE) if org == "strict" else token

    def _naming_scopes(self, reply: Response, token: str) -> Response:
        if scopes := OTHER_TOKENS.get(token, SCOPES):
            reply.headers |= {"X-OAuth-Scopes": scopes, "X-Accepted-OAuth-Scopes": "admin:org, repo"}
        return reply

    def error_response(self, status: int, message: str = "") -> Response:
        """`{message, documentation_url, status}`. A limit is answered "403 or 429" by the documents; here 429."""
        return self._error(status, message or MESSAGES.get(status, f"Error {status}"))

    def _error(self, status: int, message: str, **more: Any) -> Response:
        body = {"message": message, **more, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
        return json_response(body, status)

    def job_not_found(self) -> Response:
        """404 as for everything else."""
        return self.error_response(404)

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """Every owner that has a description."""
        return iter(ABOUT.items())

    def me(self, call: Request) -> Response:
        """The account of the token; a header names the scopes of a classic one."""
        return self._naming_scopes(json_response({"login": LOGIN, "id": 9001, "type": "User"}), call.caller)

    def memberships(self, call: Request) -> Response:
        """The account's organizations, in one of which it is no owner."""
        roles = {**dict.fromkeys((name for name in OWNERS if name != LOGIN), "admin"), "elsewhere": "member"}
        rows = [{"state": "active", "role": role, "organization": account_json(name)} for name, role in roles.items()]
        return self._page(call, rows)

    def account(self, call: Request) -> Response:
        """An organization."""
        owner = self._owner(call)
        return owner if isinstance(owner, Response) else json_response(account_json(owner))

    def repositories(self, call: Request) -> Response:
        """A page of the owner's repositories."""
        owner = self._owner(call)
        if isinstance(owner, Response):
            return owner
        return self._page(call, [repository_json(f"{owner}/{name}") for name in repositories_of(owner)])

    def start(self, call: Request) -> Response:
        """Starts a migration. Repositories are named in full; organizations take short names, too."""
        owner = self._owner(call)
        if isinstance(owner, Response):
            return owner
        body = call.data()
        names = body.get("repositories")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            return self._invalid("missing_field")
        full = {name if "/" in name else f"{owner}/{name}" for name in names}
        known = {f"{owner}/{name}" for name in repositories_of(owner)}
        if unknown := sorted(full - known):
            return self._invalid("invalid", unknown[0])
        options = {"repositories": sorted(full), **{name: body.get(name) is True for name in FLAGS}}
        job = self.make_job(call, project_of(owner), "archive", "tar.gz", options)
        job.extra |= {"guid": str(uuid.uuid4()), "locked": sorted(full) if options["lock_repositories"] else []}
        return json_response(self._shown(job, call), 201)

    def _invalid(self, code: str, value: str = "") -> Response:
        error = {"resource": "Migration", "field": "repositories", "code": code, **({"value": value} if value else {})}
        return self._error(422, MESSAGES[422], errors=[error])

    def migrations(self, call: Request) -> Response:
        """A page of the owner's migrations, newest first; among those of `acme` is an import without repositories."""
        owner = self._owner(call)
        if isinstance(owner, Response):
            return owner
        jobs = self.listed(self.state.jobs.of_project(self.slug, project_of(owner)), call)
        rows = [self._shown(job, call) for job in jobs]
        if owner == "acme":
            row = {"id": 17, "guid": str(uuid.UUID(int=17)), "state": "imported", "owner": account_json(owner)}
            rows.insert(0, {**row, **dict.fromkeys(FLAGS, False), "created_at": format_date(1_700_000_000.0)})
        return self._page(call, rows[::-1])

    def migration(self, call: Request) -> Response:
        """One migration as it is now."""
        return json_response(self._shown(call.job, call)) if call.job else self.job_not_found()

    def migrated(self, call: Request) -> Response:
        """A page of the repositories of a migration."""
        if call.job is None:
            return self.job_not_found()
        return self._page(call, [repository_json(name) for name in call.job.options["repositories"]])

    def archive(self, call: Request) -> Response:
        """302 to a link in the storage; 404 before the archive is there, and after it was deleted or has expired."""
        job, now = call.job, time.time()
        if job is None or job.extra.get("deleted") or now > job.ends_at + ARCHIVE_SECONDS:
            return self.job_not_found()
        view = self.view_job(job, call)
        if view.end != "done" or not view.link:
            return self.job_not_found()
        link = self.file_link(job)
        if now > link.made_at + LINK_SECONDS:
            link.dead = 403
        call.origin = call.origin.removesuffix(ENTERPRISE_PREFIX)
        return self.redirect_to_storage(call)

    def delete_archive(self, call: Request) -> Response:
        """Deletes the archive; the migration stays."""
        if call.job is None or call.job.extra.get("deleted") or self.view_job(call.job, call).end != "done":
            return self.job_not_found()
        call.job.extra["deleted"] = True
        self.state.mark_changed()
        return Response(204)

    def unlock(self, call: Request) -> Response:
        """Unlocks a repository; 404 for one that is not locked."""
        locked = call.job.extra["locked"] if call.job else []
        name = next((name for name in locked if name.rpartition("/")[2] == call.path_parameters["repo"]), None)
        if name is None:
            return self.job_not_found()
        locked.remove(name)
        self.state.mark_changed()
        return Response(204)

    def _owner(self, call: Request) -> str | Response:
        """The login in the path, or 404 for an organization that the account does not own."""
        owner = call.path_parameters.get("org", LOGIN).lower()
        return owner if is_owner(owner) else self.error_response(404)

    def _shown(self, job: Job, call: Request) -> dict[str, Any]:
        view, owner = self.view_job(job, call), owner_of(job.project)
        words = {"": "exporting" if view.progress > PENDING_SHARE else "pending", "done": "exported"}
        shown = {
            "id": int(job.id),
            "node_id": f"MDk6TWlncmF0aW9u{job.id}",
            "guid": job.extra.get("guid", ""),
            "state": view.word or words.get(view.end, "failed"),
            "owner": account_json("somebody-else" if view.other else owner),
            **{name: job.options[name] for name in FLAGS},
            "url": f"{call.origin}/{job.project}/migrations/{job.id}",
            "created_at": format_date(job.made_at),
            "updated_at": format_date(job.changed_at(time.time())),
        }
        if "repositories" not in call.query.get("exclude", ""):
            shown["repositories"] = [repository_json(name) for name in job.options["repositories"]]
        return shown

    def _page(self, call: Request, rows: Sequence[Mapping[str, Any]]) -> Response:
        """A page of a list; the header `Link` names the next one."""
        size, number = min(max(call.query_int("per_page", 30), 1), 100), max(call.query_int("page", 1), 1)
        reply = json_response(rows[(number - 1) * size : number * size])
        if number * size < len(rows):
            more = "".join(f"&{name}={value}" for name, value in call.query.items() if name not in ("page", "per_page"))
            address, last = f"{call.origin}{call.path}?per_page={size}{more}", -(-len(rows) // size)
            reply.headers["Link"] = f'<{address}&page={number + 1}>; rel="next", <{address}&page={last}>; rel="last"'
        return reply

    def file_name(self, job: Job) -> str:
        """The migration's guid, as GitHub names archives."""
        return f"{job.extra['guid']}.tar.gz"

    def content(self, job: Job, version: int) -> Blob:
        """JSON of metadata, and a bare repository for each repository, as far as they were not excluded."""
        names, options = job.options["repositories"], job.options
        members = [("schema.json", _json({"version": "1.2.0", "edition": version}))]
        if not options["exclude_metadata"]:
            rows = [{"type": "repository", "url": f"https://github.com/{name}", "name": name} for name in names]
            members += [("organizations_000001.json", _json([account_json(owner_of(job.project))]))]
            members += [("repositories_000001.json", _json(rows))]
            members += [(f"{kind}_000001.json", b"[]") for kind in ("users", "issues", "pull_requests", "releases")]
        for name in () if options["exclude_git_data"] else names:
            files = {
                "HEAD": "ref: refs/heads/main\n",
                "config": "[core]\n\tbare = true\n",
                "description": "Stand-in.\n",
            }
            members += [(f"repositories/{name}.git/{file}", text.encode()) for file, text in files.items()]
        return build_tar_gz_of(members, job.file_bytes, "attachments/filler.bin")


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()
