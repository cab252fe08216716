"""What a provider declares: the fields of its credentials, its kinds of export, its pace and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from django import forms

from exports.formats import NO_FORMAT

# Rate classes that the portal itself uses; a kind may name others for its request. A provider whose `limits` have no
# DOWNLOAD lets downloads go unlimited; without LISTS its lists count as NORMAL.
NORMAL: Final = "normal"
DOWNLOAD: Final = "download"
LISTS: Final = "lists"
# How often at most a request is sent again that got no answer, for a kind where that is harmless.
MAX_RESENDS: Final = 5


@dataclass(frozen=True)
class PollInterval:
    """Seconds between polls: `initial`, then `factor` times longer each, up to `maximum`; the engine adds ±20 %."""

    initial: float = 2.0
    factor: float = 1.5
    maximum: float = 60.0


@dataclass(frozen=True)
class SecretField:
    """One field of a credential's secrets. `choices`: values and labels to choose from. `is_public`: may be shown."""

    name: str
    label: str
    help: str = ""
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    is_public: bool = False


# An alias, since `type` is a field inside Kind.
OptionsForm = type[forms.Form]


@dataclass(frozen=True)
class Preset:
    """Values of several options for a common purpose, which a form can begin with and a person then changes.

    `name` stands in the form's address. `options`: values as the kind's form cleans them; other options stay as they
    are. An API client sends the options themselves.
    """

    name: str
    label: str
    help: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of export.

    `effect`: "copies" only reads; "changes" changes state at the provider and needs a confirmation.
    `formats`: file formats, the first is the default; ("none",) yields no file.
    `cost`: a sentence shown beside the button. `deadline`: how long an accepted job is polled.
    `exclusive`: at most one open export of a project at a time (the provider knows jobs by their project only).
    `relay_option`: name of the option with an address of the user's, to which the portal sends progress.
    `options_with_choices`: options whose values the provider can list (`Provider.choices`).
    `branch_option`: the one of them that names a branch, where every branch of a project can be exported at once.
    `presets`: values that the form of a new export offers to begin with.
    `authorised_download`: the file's address wants the credential's headers. They are sent only while the address lies
    below the credential's origin, which is decided anew at each redirect; a 401 or 403 from there is an error of the
    credential, and not a link that has expired.
    `asks_again`: asking again is harmless at the provider (the same job again, or one that costs nothing).
    A request without an answer is then simply sent again, MAX_RESENDS times at most, instead of being searched for.
    `cleans_up`: once the file is kept, `Provider.clean_up` is called, until it succeeds or its tries are used up. What
    comes of it changes nothing about the export.
    `rate_class`: the class in `Provider.limits` that its request counts in; polls are NORMAL, downloads below the
    origin DOWNLOAD, lists LISTS.
    """

    type: str
    label: str
    formats: tuple[str, ...]
    options: OptionsForm
    deadline: timedelta
    cost: str = ""
    poll_interval: PollInterval = PollInterval()
    rate_class: str = NORMAL
    effect: Literal["copies", "changes"] = "copies"
    exclusive: bool = False
    relay_option: str = ""
    options_with_choices: tuple[str, ...] = ()
    branch_option: str = ""
    presets: tuple[Preset, ...] = ()
    authorised_download: bool = False
    asks_again: bool = False
    cleans_up: bool = False

    @property
    def has_file(self) -> bool:
        """Whether an export of this kind yields a file."""
        return self.formats != (NO_FORMAT,)


class NoOptions(forms.Form):
    """For kinds without options."""
