"""A machine without tinyproxy: for `charmproof fuzz examples/tinyproxy --preload preload.py`.

What the charm asks its machine for is done on paper. What has to outlast a hook is in files, as
each hook may have a process of its own.
"""

import os
import pathlib

import tinyproxy

_PLACE = pathlib.Path("/var/lib/tinyproxy-on-paper")
_INSTALLED, _CONFIG, _RUNNING = _PLACE / "installed", _PLACE / "config", _PLACE / "running"


def _install() -> None:
    _PLACE.mkdir(exist_ok=True)
    _INSTALLED.touch()


def _uninstall() -> None:
    for file in (_RUNNING, _CONFIG, _INSTALLED):
        file.unlink(missing_ok=True)
    if _PLACE.exists():
        _PLACE.rmdir()


def _ensure_config(port: int, slug: str) -> bool:
    wanted = f"{port} {slug}"
    if _CONFIG.exists() and _CONFIG.read_text() == wanted:
        return False
    _CONFIG.write_text(wanted)
    return True


def _reload_config() -> None:
    if not _RUNNING.exists():
        raise tinyproxy.TinyproxyError("tinyproxy is not running, so it cannot reload")


tinyproxy.install = _install
tinyproxy.uninstall = _uninstall
tinyproxy.is_installed = lambda: os.path.exists(_INSTALLED)
tinyproxy.is_running = lambda: os.path.exists(_RUNNING)
tinyproxy.get_version = lambda: "1.11.1"
tinyproxy.ensure_config = _ensure_config
tinyproxy.start = lambda: _RUNNING.touch()
tinyproxy.stop = lambda: _RUNNING.unlink(missing_ok=True)
tinyproxy.reload_config = _reload_config
