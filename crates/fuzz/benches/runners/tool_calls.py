"""What calls of a hook tool take, for the one hook that asks; a preload file for the tinyproxy charm."""

import pathlib
import statistics
import subprocess
import time

import tinyproxy

_CALL = ["is-leader", "--format=json"]
_TIMES = 200


def _times_us(call) -> float:
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - began) / 1000)
    return statistics.median(times)


def _in_process() -> None:
    subprocess.run(_CALL, capture_output=True, check=True)


def _as_program() -> None:
    with subprocess.Popen(_CALL, stdout=subprocess.PIPE) as process:
        process.communicate()


def _is_installed() -> bool:
    asked = pathlib.Path("/var/lib/tool-calls")
    if not asked.exists():
        asked.touch()
        print("tool calls:", _times_us(_in_process), _times_us(_as_program))
    return True


tinyproxy.is_installed = _is_installed
tinyproxy.get_version = lambda: "1.11.1"
tinyproxy.ensure_config = lambda port, slug: False
tinyproxy.is_running = lambda: True
tinyproxy.stop = lambda: None
tinyproxy.uninstall = lambda: None
