"""Checks the settings in the environment."""

from typing import Any


def find_faults() -> list[str]:
    """Returns one line for each setting in the environment that is invalid."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    import api.settings
    import models_store.settings
    import worker.settings

    lines: list[str] = []
    for module in (models_store.settings, api.settings, worker.settings):
        try:
            module.Settings()
        except ValidationError as error:
            lines += [
                f"GRAPHFIT_{_format_name(item)}: {_format_reason(item)}" for item in error.errors()
            ]
        except SettingsError as error:  # a file with a secret cannot be read
            lines.append(str(error.__cause__ or error))
    return list(dict.fromkeys(lines))  # settings that several classes have are listed once


def _format_name(item: Any) -> str:
    return ".".join(str(part) for part in item["loc"]).upper() or "settings"


def _format_reason(item: Any) -> str:
    """Returns the fault without the value, which may be a secret."""
    return str(item["msg"]).removeprefix("Value error, ")
