"""Checks the settings in the environment."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cli import data_folder

if TYPE_CHECKING:
    from models_store.environment_settings import EnvironmentSettings

NOT_SETTINGS = frozenset(
    {
        "GRAPHFIT_DEMO_PORT",
        "GRAPHFIT_KEY",
        "GRAPHFIT_PUBLISH",
        "GRAPHFIT_SECRETS",
        "GRAPHFIT_API_MEMORY",
        "GRAPHFIT_POSTGRES_MEMORY",
        "GRAPHFIT_WORKER_MEMORY",
    }
)
"""Variables of the demo, of the examples and of `docker-compose.yml`."""
TEST_VARIABLES = ("GRAPHFIT_TEST_", "GRAPHFIT_CHAOS_")
"""The beginnings of the variables of the tests."""


def check(*, warns: bool = True, only_storage: bool = False) -> bool:
    """Prints the faults of the settings and of the data folder.

    Args:
        warns: Whether to print warnings, too: of variables that are no settings, and of the data of
            an earlier version.
        only_storage: Whether to check the settings of storage only, which takes less time.

    Returns:
        Whether there is no fault.
    """
    warnings = find_unknown() if warns else []
    faults = find_faults(only_storage=only_storage)
    if not faults:
        from models_store.settings import Settings

        settings = Settings()
        warnings += data_folder.find_old_data(settings) if warns else []
        faults += data_folder.find_faults(settings)
    sys.stderr.write("".join(f"graphfit: {line}\n" for line in [*warnings, *faults]))
    return not faults


def find_faults(*, only_storage: bool = False) -> list[str]:
    """Returns one line for each setting in the environment that is invalid.

    Args:
        only_storage: Whether to read the settings of storage only.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    lines: list[str] = []
    for settings in _list_classes(only_storage=only_storage):
        try:
            settings()
        except ValidationError as error:
            lines += [
                f"GRAPHFIT_{_format_name(item)}: {_format_reason(item)}" for item in error.errors()
            ]
        except SettingsError as error:  # a file with a secret cannot be read
            lines.append(str(error.__cause__ or error))
    return list(dict.fromkeys(lines))  # settings that several classes have are listed once


def find_unknown() -> list[str]:
    """Returns one line for each `GRAPHFIT_...` variable that is no setting."""
    from domain.errors import did_you_mean

    given = [name for name in sorted(os.environ) if _is_ours(name)]
    if _known(only_storage=True).issuperset(name.upper() for name in given):
        return []  # the other settings take more time to import
    known = _known()
    return [
        f"warning: {name} is no setting, and is ignored.{did_you_mean(name, known)}"
        for name in given
        if name.upper() not in known
    ]


def _known(*, only_storage: bool = False) -> set[str]:
    """Returns the names of the variables that are settings."""
    classes = _list_classes(only_storage=only_storage)
    return {name for settings in classes for name in _list_variables(settings)}


def _is_ours(name: str) -> bool:
    """Returns whether a variable is meant for the service."""
    upper = name.upper()
    is_for_others = upper in NOT_SETTINGS or upper.startswith(TEST_VARIABLES)
    return upper.startswith("GRAPHFIT_") and not is_for_others


def _list_classes(*, only_storage: bool = False) -> "Iterable[type[EnvironmentSettings]]":
    import models_store.settings

    if only_storage:
        return (models_store.settings.Settings,)
    import api.settings
    import worker.settings

    return models_store.settings.Settings, api.settings.Settings, worker.settings.Settings


def _list_variables(settings: "type[EnvironmentSettings]") -> Iterator[str]:
    from pydantic import AliasChoices

    for name, field in settings.model_fields.items():
        if isinstance(field.validation_alias, AliasChoices):
            yield from (str(alias) for alias in field.validation_alias.choices)
        else:
            yield f"GRAPHFIT_{name.upper()}"


def _format_name(item: Any) -> str:
    return ".".join(str(part) for part in item["loc"]).upper() or "settings"


def _format_reason(item: Any) -> str:
    """Returns the fault without the value, which may be a secret."""
    return str(item["msg"]).removeprefix("Value error, ")
