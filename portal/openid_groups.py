"""OIDC_GROUPS: which roles the groups of an identity provider give."""

import json
from typing import Any

from portal.environment import get_text, read_variable

ROLES = {"owner", "member", "viewer"}


def mapping() -> dict[str, list[dict[str, str]]]:
    """By group what it gives, each with `team` (a slug) and `role`; {} when unset. ImproperlyConfigured for others."""
    empty: dict[str, list[dict[str, str]]] = {}
    return read_variable(
        "OIDC_GROUPS", _read, empty, 'give a JSON object, for example {"group": {"team": "acme", "role": "member"}}.'
    )


def _read(name: str) -> dict[str, list[dict[str, str]]]:
    value: Any = json.loads(get_text(name))
    if not isinstance(value, dict):
        raise ValueError(name)
    grants = {group: one if isinstance(one, list) else [one] for group, one in value.items()}
    for grant in (grant for several in grants.values() for grant in several):
        if not isinstance(grant, dict) or set(grant) != {"team", "role"} or grant["role"] not in ROLES:
            raise ValueError(name)
        if not isinstance(grant["team"], str) or not grant["team"]:
            raise ValueError(name)
    return grants
