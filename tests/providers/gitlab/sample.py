"""GitLab's answers, for the tests that every provider passes with hostile ones."""

from typing import Final

from tests.helpers.sample import Answers

PROJECT: Final = {"id": 5, "path_with_namespace": "gitlab-org/gitlab-test", "created_at": "2017-08-29T04:36:44.383Z"}

SAMPLE: Final = Answers(
    secrets={"token": "a-token-of-a-credential"},
    project="5",
    # Without ids of jobs the baseline is what polls ask for, so what spoils polls comes before the request.
    fault_jobs={11: 0, 28: 0},
    answers=(
        (r"POST", {"message": "202 Accepted"}),
        (r"GET \S+/export/download", {"files": ["project.json"]}),
        (r"GET \S+/export", {**PROJECT, "export_status": "finished"}),
        (r"GET /api/v4/user", {"id": 7, "username": "somebody"}),
        (r"GET /api/v4/projects/", PROJECT),
        (r"GET ", [PROJECT]),
    ),
    submit="POST /api/v4/projects/5/export",
    job_id="5-1764547200",
)
