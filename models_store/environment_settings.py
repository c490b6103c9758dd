"""The base class of all settings: values from environment variables or from secret files.

The module lies in `models_store`, since the settings of `application`, `api` and `worker` inherit
from it, and `models_store` is the lowest package that has settings.
"""

import warnings
from pathlib import Path
from typing import Any

from pydantic import field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

PREFIX = "GRAPHFIT_"
SECRETS = Path("/run/secrets")
"""Where Docker and Podman put a service's secrets; often it is not there at all."""


class EnvironmentSettings(BaseSettings):
    """Read from the environment, prefix `GRAPHFIT_`, else from the folder of secrets.

    No error shows a value that was given: it may hold a password.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        use_attribute_docstrings=True,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    secrets_dir: Path = SECRETS
    """Folder in which any setting may lie as a file of its variable's name in small letters
    (`graphfit_database_url`), so that a password is in no environment. The variable goes first."""

    @field_validator("secrets_dir")
    @classmethod
    def _is_there(cls, value: Path) -> Path:
        """Whoever names a folder counts on what lies in it."""
        if value != SECRETS and not value.is_dir():
            raise ValueError(f"there is no folder '{value}'")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the first that knows a setting decides."""
        given = {**env_settings(), **init_settings()}
        folder = Path(given.get("secrets_dir") or SECRETS)
        if not folder.is_dir():
            return init_settings, env_settings
        return init_settings, env_settings, _SecretFiles(settings_cls, folder)


class _SecretFiles(SecretsSettingsSource):
    """Never passes over a file that cannot be read: its default would be taken instead."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return super().get_field_value(field, field_name)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
        except UnicodeError:
            reason = "it is not UTF-8"
        except UserWarning as warning:
            reason = str(warning)
        file = f"{self.secrets_dir}/{PREFIX.lower()}{field_name}"
        raise ValueError(f"{PREFIX}{field_name.upper()} from {file}: {reason}")
