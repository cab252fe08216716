"""AI Studios' options of an export as a form.

Source: docs.aistudios.com (v3), reference/export-project and reference/workspaces.
"""

from typing import Final

from django import forms

from exports.providers.fields import ChoiceField, TextField, UrlField

RESOLUTIONS: Final = (
    ("", "As AI Studios has it (1080)"),
    ("4k", "4K"),
    ("1080", "Full HD (1080)"),
    ("720", "HD (720)"),
    ("480", "SD (480)"),
)


class VideoOptions(forms.Form):
    workspace_id = TextField(
        label="Workspace",
        required=False,
        max_length=200,
        help_text="The workspace that the video belongs to. Empty: your own.",
    )
    resolution = ChoiceField(
        label="Resolution",
        required=False,
        choices=RESOLUTIONS,
        help_text="4K takes longest and makes the largest file.",
    )
    webhook_url = UrlField(
        label="Tell this address",
        required=False,
        help_text="A web address of yours, which the portal calls when it learns of progress.",
    )
