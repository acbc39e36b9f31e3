"""Handlers of the bulletin board."""

from charmhelpers.core import hookenv
from charms.reactive import endpoint_from_flag, set_flag, when, when_not


@when("config.changed.port")
def open_the_port():
    """Open the port that is configured now, and close the one before it."""
    config = hookenv.config()
    before = config.previous("port")
    if before:
        hookenv.close_port(before)
    hookenv.open_port(config["port"])


@when_not("bulletin-board.ready")
def get_ready():
    """Say that the board can be used."""
    hookenv.status_set("active", "ready")
    set_flag("bulletin-board.ready")


@when("website.available", "bulletin-board.ready")
def tell_the_website():
    """Tell the other end of the relation where the board is."""
    website = endpoint_from_flag("website.available")
    website.configure(port=hookenv.config()["port"])
