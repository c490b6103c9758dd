"""The Dockerfile and docker-compose.yml are valid and agree with the package."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from models_store.settings import Settings
from tests.support.require import require_program
from tests.support.service import ROOT

PLUGIN = "/usr/libexec/docker/cli-plugins/docker-compose"
"""The program's path in Debian's package since version 2; older ones are on PATH."""
PROFILES = ("gpu", "s3")


def output(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file as Compose reads it, with all profiles."""
    profiles = [word for name in PROFILES for word in ("--profile", name)]
    program = require_program("docker-compose", PLUGIN)
    config: dict[str, Any] = yaml.safe_load(output(program, *profiles, "config"))
    return config


def test_hadolint_accepts_the_dockerfile() -> None:
    output(Path(sys.executable).with_name("hadolint"), "Dockerfile")


def test_the_image_is_labelled_with_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'image.version="{version}"' in (ROOT / "Dockerfile").read_text()


def test_the_image_is_built_from_every_file_of_the_package() -> None:
    taken = (ROOT / ".dockerignore").read_text().split()
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    parts = [name for name in setuptools["packages"]["find"]["include"] if "*" not in name]
    assert [part for part in parts if f"!{part}" not in taken] == []


def test_compose_accepts_the_file_with_and_without_its_profiles(compose: dict[str, Any]) -> None:
    program = require_program("docker-compose", PLUGIN)
    plain = yaml.safe_load(output(program, "config"))["services"]
    assert set(compose["services"]) >= {"worker-gpu", "s3", *plain}
    for profile in PROFILES:
        output(program, "--profile", profile, "config", "--quiet")


def test_every_service_is_guarded(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert service["mem_limit"], name
        assert name == "migrate" or service["healthcheck"]["test"][0] != "NONE", name


def test_only_the_api_is_published_and_only_here(compose: dict[str, Any]) -> None:
    published = {
        name: each["ports"] for name, each in compose["services"].items() if "ports" in each
    }
    assert published.keys() == {"api"}
    assert "127.0.0.1" in str(published["api"])
    assert compose["services"]["api"]["environment"]["GRAPHFIT_AUTH"] == "keys"


def test_the_page_makes_every_secret_that_the_services_read(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "how-to" / "docker-compose.md").read_text()
    found = re.search(r"^    \((?:.|\n)*?^    \)$", page, re.MULTILINE)
    assert found is not None
    output("sh", "-ec", found[0], cwd=tmp_path)
    made = tmp_path / "secrets"
    assert {file.name for file in made.iterdir()} == set(compose["secrets"])
    assert made.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in made.iterdir()} == {0o444}
    settings = Settings(secrets_dir=made)
    password = (made / "postgres_password").read_text()
    assert settings.database_url == f"postgresql://graphfit:{password}@postgres/graphfit"
    assert re.fullmatch(r"redis://:[0-9a-f]{48}@redis:6379/0", settings.broker_url)
    identity = yaml.safe_load((made / "s3_config").read_text())["identities"][0]
    assert identity["credentials"] == [
        {
            "accessKey": (made / "graphfit_s3_access_key").read_text(),
            "secretKey": (made / "graphfit_s3_secret_key").read_text(),
        }
    ]
