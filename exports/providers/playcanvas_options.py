"""PlayCanvas' options as forms, and their names in each dialect. The provider itself is playcanvas.py.

Source: https://developer.playcanvas.com/user-manual/api/ and, for the `seed` dialect, the oldest "Download App" page.
"""

from collections.abc import Mapping
from typing import Final

from django import forms

from exports.providers.fields import ChoiceField, IntegerListField, OptionalBooleanField, TextField

TARGETS: Final = (("", "Not said (web)"), ("web", "Web"), ("ios", "iOS, an Xcode project"))
APP_FORMATS: Final = (("", "As PlayCanvas has it (static)"), ("static", "Static site"), ("npm", "npm, a Vite project"))
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

    branch_id = TextField(label="Branch", max_length=100, required=False, help_text="Empty: the main branch.")


class AppOptions(forms.Form):
    """Parameters of app-download."""

    name = TextField(label="Name of the app", max_length=999)
    scenes = IntegerListField(label="Scenes", help_text="The app starts with the first.")
    branch_id = TextField(label="Branch", max_length=100, required=False, help_text="Empty: the main branch.")
    description = TextField(label="Description", max_length=9999, required=False, widget=forms.Textarea)
    version = TextField(label="Version", max_length=20, required=False)
    release_notes = TextField(label="Release notes", max_length=10000, required=False, widget=forms.Textarea)
    target = ChoiceField(label="Target", choices=TARGETS, required=False)
    scripts_concatenate = OptionalBooleanField(label="Put all scripts into one file")
    scripts_minify = OptionalBooleanField(label="Minify scripts")
    scripts_sourcemaps = OptionalBooleanField(
        label="Add source maps", help_text="Wants scripts in one file, and minified."
    )
    optimize_scene_format = OptionalBooleanField(label="Optimise the scene format")
    engine_version = TextField(
        label="Engine version", max_length=50, required=False, help_text="Empty: the project's own."
    )
    app_format = ChoiceField(label="Shape of the app", choices=APP_FORMATS, required=False)
