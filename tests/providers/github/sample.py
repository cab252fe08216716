"""GitHub's answers, for the tests that every provider passes with hostile ones."""

from typing import Any, Final

from tests.helpers.sample import Answers

OWNER: Final = {"login": "acme", "id": 1, "type": "Organization"}
REPOSITORIES: Final = [{"id": 1, "full_name": "acme/api"}, {"id": 2, "full_name": "acme/website"}]


def migration(id_: int, state: str) -> dict[str, Any]:
    times = {"created_at": "2026-11-30T15:33:38-07:00", "updated_at": "2126-11-30T15:40:00-07:00"}
    return {"id": id_, "state": state, "owner": OWNER, "exclude_metadata": False, **times}


SAMPLE: Final = Answers(
    secrets={"token": "a-token-of-a-credential"},
    project="orgs/acme",
    answers=(
        (r"POST", migration(501, "pending")),
        (r"GET \S+/repositories", REPOSITORIES),
        (r"GET \S+/archive", {"files": ["repositories_000001.json"]}),
        (r"GET \S+/migrations/", migration(501, "exported")),
        (r"GET \S+/migrations", [migration(400, "exported")]),
        (r"GET \S+/repos", REPOSITORIES),
        (r"GET /orgs/acme", OWNER),
        (r"GET /user/(orgs|memberships)", [{"organization": OWNER, "role": "admin", "state": "active", **OWNER}]),
        (r"GET ", {"id": 7, "login": "somebody"}),
    ),
    submit="POST /orgs/acme/migrations",
    job_id="501",
    more_options=({"repositories": ["api"], "content": "git"}, {"part": "1/1", "keep_archive": True}),
)
