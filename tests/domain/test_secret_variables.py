"""Processes that run graphs get no secret."""

import pytest

from domain.secret_variables import remove_secrets, without_secrets

SECRET = {
    "GRAPHFIT_DATABASE_URL": "postgresql://user:password@host/db",
    "GRAPHFIT_BROKER_URL": "redis://:password@host",
    "GRAPHFIT_S3_ACCESS_KEY": "a",
    "GRAPHFIT_S3_SECRET_KEY": "b",
    "GRAPHFIT_SECRETS_DIR": "/run/secrets",
    "AWS_SECRET_ACCESS_KEY": "c",
    "AWS_SESSION_TOKEN": "d",
    "PGPASSWORD": "e",
    "github_token": "f",
}
PLAIN = {"PATH": "/bin", "HOME": "/root", "KERAS_BACKEND": "tensorflow", "GRAPHFIT_DATA": "/data"}


def test_variables_that_may_hold_secrets_are_left_out() -> None:
    assert without_secrets({**SECRET, **PLAIN}) == PLAIN


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_is_removed(name: str) -> None:
    environment = {name: SECRET[name], **PLAIN}
    remove_secrets(environment)
    assert environment == PLAIN
