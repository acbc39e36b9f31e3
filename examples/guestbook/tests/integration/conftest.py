"""What the integration tests share. The fixture `juju` comes from pytest-jubilant."""

import os
import pathlib
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def charm_path() -> pathlib.Path:
    """The packed guestbook: the one that CHARM_PATH names, or the only one in the charm's folder."""
    if named := os.environ.get("CHARM_PATH"):
        return pathlib.Path(named).resolve()
    (found,) = ROOT.glob("*.charm")
    return found


@pytest.fixture(scope="session")
def database_path(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The packed database, which lies beside the guestbook."""
    folder = tmp_path_factory.mktemp("database")
    subprocess.run(["charmcraft", "pack", "-p", ROOT.parent / "guestbook-database"], cwd=folder, check=True)
    (packed,) = folder.glob("*.charm")
    return packed


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """The image of each charm."""

    def image(charm: str, resource: str) -> str:
        named = os.environ.get(f"{charm.upper().replace('-', '_')}_IMAGE")
        declared = yaml.safe_load((ROOT.parent / charm / "charmcraft.yaml").read_text())
        return named or declared["resources"][resource]["upstream-source"]

    return {
        "guestbook": image("guestbook", "guestbook-image"),
        "guestbook-database": image("guestbook-database", "database-image"),
    }
