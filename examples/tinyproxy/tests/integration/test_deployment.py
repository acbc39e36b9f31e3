"""The charm on a real Juju. Each test takes the model as the one before it left it."""

import email.message
import pathlib
import time
import urllib.error
import urllib.request

import jubilant
import pytest

APP = "tinyproxy"
UNIT = f"{APP}/0"
PORT = 8000

# Straight to the unit, even if the environment names an HTTP proxy for everything else.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.mark.juju_setup
def test_deploy(juju: jubilant.Juju, charm_path: pathlib.Path):
    juju.deploy(charm_path, app=APP)

    juju.wait(lambda status: jubilant.all_active(status, APP), error=jubilant.any_error)


def test_workload_version(juju: jubilant.Juju):
    version = juju.status().apps[APP].version

    assert version.startswith("1.")
    assert version in juju.exec("tinyproxy -v", unit=UNIT).stdout


def test_serves_below_the_default_slug(juju: jubilant.Juju):
    juju.config(APP, reset="slug")

    wait_until_served(juju, "example")
    assert not is_served(juju, "other")


def test_new_slug(juju: jubilant.Juju):
    before = process_id(juju)
    juju.config(APP, {"slug": "other"})

    wait_until_served(juju, "other")
    assert not is_served(juju, "example")
    # It was reloaded, not restarted.
    assert process_id(juju) == before


def test_invalid_slug_blocks(juju: jubilant.Juju):
    juju.config(APP, {"slug": "Not/Valid"})

    status = juju.wait(lambda status: jubilant.all_blocked(status, APP), error=jubilant.any_error)
    assert "Not/Valid" in status.apps[APP].units[UNIT].workload_status.message
    # The proxy itself is none the worse for it.
    assert is_served(juju, "other")


def test_recovers_by_reset(juju: jubilant.Juju):
    juju.config(APP, reset="slug")

    juju.wait(lambda status: jubilant.all_active(status, APP), error=jubilant.any_error)
    wait_until_served(juju, "example")


def test_recovers_by_another_slug(juju: jubilant.Juju):
    juju.config(APP, {"slug": "not valid either"})
    juju.wait(lambda status: jubilant.all_blocked(status, APP), error=jubilant.any_error)

    juju.config(APP, {"slug": "third"})

    juju.wait(lambda status: jubilant.all_active(status, APP), error=jubilant.any_error)
    wait_until_served(juju, "third")


def test_it_is_tinyproxy_that_answers(juju: jubilant.Juju):
    # Whether the site behind it can be reached or not, the proxy says that it was asked.
    _, headers = ask(juju, "third")

    assert "tinyproxy" in f"{headers.get('Server')} {headers.get('Via')}"


def process_id(juju: jubilant.Juju) -> str:
    """Return the process id of the workload."""
    return juju.exec("cat /run/tinyproxy.pid", unit=UNIT).stdout.strip()


def wait_until_served(juju: jubilant.Juju, slug: str, timeout: float = 120) -> None:
    """Wait until the unit serves below the slug.

    The status does not tell: it is the same before and after a change of the slug.
    """
    deadline = time.monotonic() + timeout
    while not is_served(juju, slug):
        assert time.monotonic() < deadline, f"/{slug}/ is not served after {timeout:.0f} s"
        time.sleep(1)


def is_served(juju: jubilant.Juju, slug: str) -> bool:
    """Ask the unit for a page below the slug, and tell whether it hands the request on."""
    code, _ = ask(juju, slug)
    # 400 is the proxy's answer for a path that it does not know. It says 5xx for one that it knows
    # when the site behind it cannot be reached, as in a lab without the internet. That is no fault
    # of the charm's.
    return code != 400


def ask(juju: jubilant.Juju, slug: str) -> tuple[int, email.message.Message]:
    """Ask the unit for a page below the slug. Returns the status and the headers of the answer."""
    address = juju.status().apps[APP].units[UNIT].public_address
    try:
        with DIRECT.open(f"http://{address}:{PORT}/{slug}/", timeout=30) as response:
            assert b"Example Domain" in response.read()
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, error.headers
