"""The guestbook and its database on a real Juju. Each test takes the model as the one before it left it."""

import pathlib
import time
import urllib.request

import jubilant
import pytest

APP, DATABASE = "guestbook", "guestbook-database"
PORT = 8080

# Straight to the unit, even if the environment names an HTTP proxy for everything else.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.mark.juju_setup
def test_deploy(juju: jubilant.Juju, charm_path: pathlib.Path, images: dict[str, str]):
    juju.deploy(charm_path, app=APP, resources={"guestbook-image": images[APP]})

    juju.wait(has_no_database, error=jubilant.any_error)


def test_serves_without_a_database(juju: jubilant.Juju):
    assert "<title>Guestbook</title>" in page(juju)

    post(juju, "kept in memory")
    assert "<li>kept in memory</li>" in page(juju)


def test_new_title(juju: jubilant.Juju):
    juju.config(APP, {"title": "Visitors"})

    wait_until_shown(juju, "<title>Visitors</title>")
    # The workload was restarted with it, and has forgotten everything.
    assert "kept in memory" not in page(juju)


def test_integrate(juju: jubilant.Juju, database_path: pathlib.Path, images: dict[str, str]):
    juju.deploy(database_path, app=DATABASE, resources={"database-image": images[DATABASE]})
    juju.integrate(f"{APP}:database", f"{DATABASE}:database")

    juju.wait(jubilant.all_active, error=jubilant.any_error)
    juju.wait(jubilant.all_agents_idle, error=jubilant.any_error)
    post(juju, "kept for good")
    assert "<li>kept for good</li>" in page(juju)


def test_what_is_kept_outlives_a_restart(juju: jubilant.Juju):
    juju.config(APP, reset="title")

    wait_until_shown(juju, "<title>Guestbook</title>")
    assert "<li>kept for good</li>" in page(juju)


def test_another_unit_shows_the_same(juju: jubilant.Juju):
    juju.add_unit(APP)

    juju.wait(
        lambda status: len(status.apps[APP].units) == 2
        and jubilant.all_active(status)
        and jubilant.all_agents_idle(status),
        error=jubilant.any_error,
    )
    assert "<li>kept for good</li>" in page(juju, unit=1)


def test_remove_relation(juju: jubilant.Juju):
    juju.remove_relation(f"{APP}:database", f"{DATABASE}:database")

    juju.wait(
        lambda status: has_no_database(status) and not status.apps[APP].relations.get("database"),
        error=jubilant.any_error,
    )
    juju.wait(jubilant.all_agents_idle, error=jubilant.any_error)
    assert "kept for good" not in page(juju)


def has_no_database(status: jubilant.Status) -> bool:
    """Tell whether all units say so. Units that are being installed are waiting as well."""
    units = status.apps[APP].units.values()
    return bool(units) and all("there is no database" in unit.workload_status.message for unit in units)


def address(juju: jubilant.Juju, unit: int) -> str:
    """Return where a unit answers."""
    return f"http://{juju.status().apps[APP].units[f'{APP}/{unit}'].address}:{PORT}/"


def page(juju: jubilant.Juju, unit: int = 0) -> str:
    """Return what a unit shows. It may just be starting its workload."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with DIRECT.open(address(juju, unit), timeout=30) as response:
                return response.read().decode()
        except OSError:
            assert time.monotonic() < deadline, f"unit {unit} does not answer"
            time.sleep(0.2)


def post(juju: jubilant.Juju, entry: str) -> None:
    """Write into the guestbook."""
    DIRECT.open(address(juju, 0), data=entry.encode(), timeout=30).close()


def wait_until_shown(juju: jubilant.Juju, text: str) -> None:
    """Wait until unit 0 shows a text. The status does not tell when the workload was restarted."""
    deadline = time.monotonic() + 60
    while text not in page(juju):
        assert time.monotonic() < deadline, f"{text} is not shown"
        time.sleep(0.2)
