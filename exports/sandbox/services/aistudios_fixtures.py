"""What the AI Studios stand-in declares, its projects and workspaces, and its error messages."""

from typing import Any

from exports.sandbox.declaration import Declaration, DemoExport, FaultProject
from exports.sandbox.fault_projects import fault_projects

PASSING_ERROR: dict[str, Any] = {
    "status": 200,
    "times": 1,
    "body": {"success": False, "error": {"code": 5000, "msg": "Internal server error"}},
}
OWN_FAULT_PROJECTS = (
    FaultProject(35, (("submit", "stale", {}),), "the last export's 100 % and link stay for a while"),
    FaultProject(44, (("poll", "status", PASSING_ERROR),), "an error that passes, once, as a refusal inside 200"),
)
# It publishes no rate limits.
DECLARATION = Declaration(
    slug="aistudios",
    label="AI Studios",
    secrets={"app_id": "sandbox-app", "user_key": "sandbox-key"},
    credentials_text="appId `sandbox-app`, userKey `sandbox-key`",
    project_id="65fa6b07dca2e367461a2925",
    project_name="Welcome video",
    exports=(DemoExport("video", "mp4"),),
    fault_project_id="65fa6b07dca2e367461001{:02}",
    own_fault_projects=OWN_FAULT_PROJECTS,
    # Progress names no project, ids are texts anyway, and the answer to a request has no status word.
    faults_without_field=frozenset(
        (
            ("poll", "other_project"),
            ("submit", "unknown_word"),
            ("list", "id_as_text"),
            ("submit", "id_as_text"),
            ("poll", "id_as_text"),
        )
    ),
    content_types={"mp4": "video/mp4"},
)

PROJECT_ID_PREFIX = "65fa6b07dca2e367461a29"
WORKSPACES = (("65fa0000dca2e36746100001", "Stand-in team"), ("65fa0000dca2e36746100002", "Stand-in studio"))
RESOLUTIONS = ("4k", "1080", "720", "480")
# An id that no project has, for the fault that names another project.
OTHER_PROJECT_ID = "65fa6b07dca2e36746ffffff"
ERROR_MESSAGES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Project not found",
    409: "Project is being exported",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}
# Id, name, exported before, what to know about it.
PROJECTS: dict[str, tuple[str, bool, str]] = {
    f"{PROJECT_ID_PREFIX}25": ("Welcome video", False, "well-behaved"),
    f"{PROJECT_ID_PREFIX}26": ("Product tour", True, "exported yesterday"),
    f"{PROJECT_ID_PREFIX}27": (
        "Onboarding, part 1",
        True,
        "exported yesterday; the old 100 % and link stay for a while",
    ),
    f"{PROJECT_ID_PREFIX}28": ("Safety briefing", True, "exported yesterday"),
    f"{PROJECT_ID_PREFIX}29": ("Quarterly news", False, ""),
    f"{PROJECT_ID_PREFIX}30": ("Training, lesson 4", False, ""),
    **{
        DECLARATION.fault_project(row.number): (f"Fault: {row.name}", row.name == "stale", "")
        for row in fault_projects(DECLARATION)
    },
}
ALWAYS_STALE = f"{PROJECT_ID_PREFIX}27"
