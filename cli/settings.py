"""What is wrong with the settings in the environment."""

from typing import Any


def faults() -> list[str]:
    """A line for each setting in the environment that cannot be read."""
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
            lines += [f"GRAPHFIT_{_name(item)}: {_reason(item)}" for item in error.errors()]
        except SettingsError as error:  # of a file with a secret
            lines.append(str(error.__cause__ or error))
    return list(dict.fromkeys(lines))  # settings that several classes have are listed once


def _name(item: Any) -> str:
    return ".".join(str(part) for part in item["loc"]).upper() or "settings"


def _reason(item: Any) -> str:
    """What is wrong, without the value, which may be a secret."""
    return str(item["msg"]).removeprefix("Value error, ")
