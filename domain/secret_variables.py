"""Environment variables that may hold secrets; processes that run graphs do not get them."""

import re
from collections.abc import Mapping, MutableMapping

_SECRET = re.compile(
    r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|_KEY\b|_URL\b|\bPGPASS", re.IGNORECASE
)
"""A URL may hold a password."""


def is_secret(name: str) -> bool:
    """Whether the variable of this name may hold a secret."""
    return _SECRET.search(name) is not None


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that hold no secret."""
    return {name: value for name, value in environment.items() if not is_secret(name)}


def remove_secrets(environment: MutableMapping[str, str]) -> None:
    """Removes the variables that may hold a secret."""
    for name in [name for name in environment if is_secret(name)]:
        del environment[name]
