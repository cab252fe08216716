"""The projects and workspaces of the AI Studios stand-in, and its error messages."""

from exports.sandbox.fault_projects import fault_projects

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
    **{row.id_at("aistudios"): (f"Fault: {row.name}", row.name == "stale", "") for row in fault_projects("aistudios")},
}
ALWAYS_STALE = f"{PROJECT_ID_PREFIX}27"
