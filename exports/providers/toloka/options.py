"""The portal's own options for archiving a Toloka project; Toloka's call takes none."""

from django import forms

from exports.providers.fields import OptionalBooleanField


class ArchiveOptions(forms.Form):
    archive_pools = OptionalBooleanField(
        label="Archive closed pools first",
        unset="No",
        help_text="Toloka archives a project only after its pools. With Yes the portal archives the closed pools and"
        " trainings first; it never closes an open one.",
    )
