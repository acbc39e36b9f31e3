"""What the integration tests share. The fixture `juju` comes from pytest-jubilant."""

import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def charm_path() -> pathlib.Path:
    """The packed charm: the one that CHARM_PATH names, or the only one in the charm's folder."""
    if named := os.environ.get("CHARM_PATH"):
        path = pathlib.Path(named).resolve()
        if not path.is_file():
            pytest.fail(f"CHARM_PATH names no file: {path}")
        return path
    found = sorted(ROOT.glob("*.charm"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        pytest.fail(
            f"need exactly one .charm file in {ROOT}, found {names}."
            " Pack the charm, or set CHARM_PATH to the one to test."
        )
    return found[0]
