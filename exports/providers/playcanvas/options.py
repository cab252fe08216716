"""PlayCanvas' options as forms, and their names in each dialect.

Source: https://developer.playcanvas.com/user-manual/api/ and, for the `seed` dialect, the oldest "Download App" page.
"""

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from exports.providers.contract import Job
from exports.providers.fields import ChoiceField, IntegerListField, OptionalBooleanField, TextField
from exports.providers.parsing import integer, without_empty
from exports.transport.errors import RefusedError

Problems = dict[str, list[str]]

TARGETS: Final = (("", "Not said (web)"), ("web", "Web"), ("ios", "iOS, an Xcode project"))
APP_FORMATS: Final = (("", "As PlayCanvas has it (static)"), ("static", "Static site"), ("npm", "npm, a Vite project"))
BRANCH_HELP: Final = "The version of the project. Empty: the main branch."
NEWER_OPTIONS: Final = {"optimize_scene_format", "engine_version", "app_format"}
# The parameters of the app download by option, where they differ, and the options that a dialect lacks.
PARAMETER_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "current": {"app_format": "format"},
    "seed": {"scenes": "source_pack_ids", "scripts_concatenate": "script_concatenate"},
}
UNSUPPORTED_OPTIONS: Final = {
    "current": {"target"},
    "seed": {"branch_id", "scripts_minify", "scripts_sourcemaps"} | NEWER_OPTIONS,
}


class ArchiveOptions(forms.Form):
    """Parameters of project-export."""

    branch_id = TextField(label="Branch", max_length=100, required=False, help_text=BRANCH_HELP)


class AppOptions(forms.Form):
    """Parameters of app-download."""

    name = TextField(label="Name of the app", max_length=999, help_text="The title that the app has.")
    scenes = IntegerListField(
        label="Scenes", help_text="The levels or screens that go into the app. The app starts with the first."
    )
    branch_id = TextField(label="Branch", max_length=100, required=False, help_text=BRANCH_HELP)
    app_format = ChoiceField(
        label="Shape of the app",
        choices=APP_FORMATS,
        required=False,
        help_text="A static site is copied to a web server as it is. An npm project is built first.",
    )
    engine_version = TextField(
        label="Engine version",
        max_length=50,
        required=False,
        help_text="The PlayCanvas engine inside the app, like 2.8.1. Empty: the one that the project is set to. Give it"
        " where two builds must behave alike.",
    )
    scripts_concatenate = OptionalBooleanField(
        label="Put all scripts into one file", help_text="One file loads faster than many. Not for npm projects."
    )
    scripts_minify = OptionalBooleanField(
        label="Minify scripts", help_text="Smaller files that nobody can read. Not for npm projects."
    )
    scripts_sourcemaps = OptionalBooleanField(
        label="Add source maps",
        help_text="They show your own code in a browser's debugger. Wants scripts in one file, and minified.",
    )
    optimize_scene_format = OptionalBooleanField(
        label="Optimise the scene format", help_text="The same option as in the build dialog of PlayCanvas' editor."
    )
    version = TextField(
        label="Version", max_length=20, required=False, help_text="Your own number for this build, like 1.4.0."
    )
    description = TextField(
        label="Description",
        max_length=9999,
        required=False,
        widget=forms.Textarea,
        help_text="What the app is.",
    )
    release_notes = TextField(
        label="Release notes",
        max_length=10000,
        required=False,
        widget=forms.Textarea,
        help_text="What is new in this build.",
    )
    target = ChoiceField(
        label="Target", choices=TARGETS, required=False, help_text="What the app runs on; of older services alone."
    )


def problems(type_: str, options: Mapping[str, Any], dialect: str) -> Problems:
    """A sentence for each of the options that the dialect cannot send."""
    unsupported = UNSUPPORTED_OPTIONS[dialect] if type_ == "app" else set()
    names = without_empty(options).keys() & unsupported
    return {name: [f"The {dialect} dialect of PlayCanvas has no word for this."] for name in names}


def app_parameters(job: Job, dialect: str) -> dict[str, Any]:
    """The body of POST /apps/download. Raises RefusedError for an option that the dialect cannot send."""
    options = without_empty(job.options)
    if unsupported := problems("app", options, dialect):
        names = ", ".join(sorted(unsupported))
        raise RefusedError(f"The {dialect} dialect of PlayCanvas has no word for {names}.")
    if dialect == "seed":  # There `target` is required; web is the default elsewhere.
        options = {"target": "web", **options}
    named = {PARAMETER_NAMES[dialect].get(name, name): value for name, value in options.items()}
    return {"project_id": integer(job.project) or job.project, **named}
