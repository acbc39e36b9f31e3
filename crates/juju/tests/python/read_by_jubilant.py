"""Has Jubilant read the documents that our tests hold our `juju` to.

Jubilant runs a program that prints, for each command, the document that a snapshot
of the Rust tests has; so what Jubilant needs is checked by Jubilant itself. `make test`
runs it, and so does `uv run --no-project --with jubilant==1.14.0 read_by_jubilant.py`.
"""

import datetime
import os
import pathlib
import stat
import sys
import tempfile

import jubilant

VIEW = pathlib.Path(__file__).parents[2] / "src" / "view"


def document(name: str) -> str:
    """Returns the document of a snapshot, without what insta says of it."""
    for folder, prefix in ((VIEW / "snapshots", ""), (VIEW / "tests" / "snapshots", "more__")):
        path = folder / f"charmproof_juju__view__tests__{prefix}{name}.json.snap"
        if path.exists():
            return path.read_text(encoding="utf-8").split("---\n", 2)[2]
    raise FileNotFoundError(name)


def juju(folder: pathlib.Path, **documents: str) -> jubilant.Juju:
    """Returns Jubilant with a program that answers each sub-command with a document."""
    cases = []
    for command, name in documents.items():
        answer = folder / f"{name}.json"
        answer.write_text(document(name), encoding="utf-8")
        cases.append(f"{command.replace('_', '-')}) exec cat '{answer}' ;;")
    program = folder / f"juju-{'-'.join(documents)}"
    program.write_text("#!/bin/sh\ncase $1 in\n" + "\n".join(cases) + "\nesac\nexit 3\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    return jubilant.Juju(cli_binary=program)


def read_statuses(folder: pathlib.Path) -> None:
    status = juju(folder, status="status_machines").status()
    assert status.model.name == "web" and status.model.type == "iaas"
    tinyproxy = status.apps["tinyproxy"]
    assert tinyproxy.is_active and tinyproxy.exposed and tinyproxy.version == "1.11.1"
    assert tinyproxy.units["tinyproxy/0"].open_ports == ["8080/tcp", "8081/tcp"]
    assert tinyproxy.units["tinyproxy/0"].leader and not tinyproxy.units["tinyproxy/2"].leader
    assert list(status.get_units("logger")) == ["logger/0"]
    assert tinyproxy.relations["db"][0].related_app == "database"
    assert status.app_endpoints["database"].relations == {"database": ["tinyproxy"]}
    assert status.offers["proxy"].endpoints["proxy"].role == "provider"
    assert status.machines["0"].containers["0/lxd/0"].dns_name == "10.20.0.40"
    assert status.storage.volumes["0"].attachments.machines["0"].device == "loop0"
    assert not jubilant.all_agents_idle(status, "tinyproxy")

    status = juju(folder, status="status_kubernetes").status()
    assert status.model.type == "caas" and status.machines == {}
    assert jubilant.any_error(status, "httpbin")
    assert status.apps["httpbin"].address == "10.152.183.20" and status.apps["httpbin"].scale == 2
    assert status.apps["httpbin"].units["httpbin/0"].address == "10.1.0.5"
    assert status.storage.storage["files/0"].attachments.units["cache/0"].location == "/data"

    status = juju(folder, status="status_empty").status()
    assert status.apps == {} and status.machines == {}


def read_details(folder: pathlib.Path) -> None:
    reader = juju(
        folder,
        show_model="show_model",
        show_unit="show_unit",
        config="config",
        model_config="model_config",
    )
    model = reader.show_model()
    assert model.short_name == "web" and model.users["admin"].access == "admin"
    assert model.machines["0"].cores == 2 and model.credential.validity_check == "valid"
    unit = reader.show_unit("httpbin/0")
    assert unit.charm == "local:httpbin-0" and unit.life == "alive" and unit.opened_ports == []
    config = reader.config("tinyproxy")
    assert config == {"slug": "my slug", "workers": 3, "ratio": 1.0, "verbose": False}
    assert reader.config("tinyproxy", app_config=True) == {"trust": False}
    assert reader.model_config()["update-status-hook-interval"] == "5m"


def read_tasks(folder: pathlib.Path) -> None:
    reader = juju(folder, run="run", exec="exec")
    task = reader.run("tinyproxy/0", "act")
    assert task.success and task.id == "2" and task.stdout == "said aloud\n"
    assert task.results["config"] == {"testoption": "foobar"}
    assert task.log == ["2026-01-04 06:29:46 +0000 UTC counted <b>3</b>"]
    assert reader.exec("echo foo", unit="tinyproxy/0").stdout == "foo\n"
    try:
        juju(folder, run="run_failed").run("tinyproxy/10", "act")
    except jubilant.TaskError as error:
        assert error.task.return_code == 1 and error.task.status == "failed"
        assert error.task.message == "exit status 1" and error.task.stderr == "Uncaught EXC\n"
    else:
        raise AssertionError("a task that failed was taken for one that did not")


def read_secrets(folder: pathlib.Path) -> None:
    reader = juju(folder, secrets="secrets", show_secret="secrets")
    of_user, of_charm = reader.secrets()
    assert of_user.owner == "<model>" and of_user.name == "admin-account"
    assert of_charm.owner == "tinyproxy/0" and of_charm.label == "token" and of_charm.rotation == "daily"
    assert of_charm.created == datetime.datetime(2026, 1, 2, 6, 29, 40, tzinfo=datetime.timezone.utc)
    revealed = reader.show_secret("admin-account", reveal=True)
    assert revealed.content == {"password": "hunter2", "username": "admin"}
    secret = reader.show_secret("admin-account")
    assert secret.access[0].role == "view" and secret.revisions[0].backend == "internal"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for read in (read_statuses, read_details, read_tasks, read_secrets):
            read(folder)
    print(f"jubilant {jubilant.__version__} reads our documents", file=sys.stderr)


if __name__ == "__main__":
    os.environ.pop("JUJU_MODEL", None)
    main()
