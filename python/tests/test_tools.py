"""Drives the hook tools with ops: what ops asks for, it has to understand, in each version."""

from __future__ import annotations

import datetime
import json
import os
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Type

import ops
import pytest
from ops import model
from ops.storage import _JujuStorageBackend  # pyright: ignore[reportPrivateUsage]

IS_OPS_3 = hasattr(ops, "hookcmds")

# A charm sets this handler up in `ops.main`, which nothing here calls.
pytestmark = pytest.mark.filterwarnings("ignore:JujuLogHandler is not set up:RuntimeWarning")


class Agent:
    """An agent with the unit web/0, whose hooks the test begins and ends."""

    def __init__(self, folder: Path, juju: str = "3.6.12") -> None:
        self.folder = folder
        self.juju = juju
        command = [os.environ["CHARMPROOF_BINARY"], "__tools-server", str(folder), juju]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """Ends the agent."""
        self._process.communicate()

    def ask(self, *words: str, stdin: Optional[str] = None) -> Any:
        """Asks for something that is no tool, in the protocol of tools."""
        payload = b"T" + struct.pack("<H", len(words))
        for word in words:
            payload += struct.pack("<I", len(word.encode())) + word.encode()
        if stdin is None:
            payload += b"\0"
        else:
            payload += b"\1" + struct.pack("<I", len(stdin.encode())) + stdin.encode()
        payload += struct.pack("<H", 0)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "socket"))
            connection.sendall(struct.pack("<I", len(payload)) + payload)
            reply = b""
            while True:
                part = connection.recv(65536)
                if not part:
                    break
                reply += part
        code, length = struct.unpack("<iI", reply[4:12])
        assert code == 0, reply[12:]
        return json.loads(reply[12 : 12 + length])

    def begin(self, hook: str, *about: str, parameters: Optional[Dict[str, Any]] = None) -> None:
        """Begins a hook."""
        self.ask("__begin", hook, *about, stdin=json.dumps(parameters) if parameters else None)

    def finish(self, outcome: str = "ok") -> Dict[str, Any]:
        """Ends the hook, and returns what it did."""
        return self.ask("__finish", outcome)

    def calls(self) -> List[Any]:
        """Returns what the hook has called so far, by meaning."""
        return self.ask("__effects")["calls"]


def environment(agent: Agent) -> Dict[str, str]:
    """Returns the variables that ops and the tools read."""
    return {
        "JUJU_AGENT_SOCKET_ADDRESS": str(agent.folder / "socket"),
        "JUJU_UNIT_NAME": "web/0",
        "JUJU_MODEL_NAME": "proof",
        "JUJU_MODEL_UUID": "5d3ac0fe-9f1c-4c0e-8a57-6f0c1b2d3e4f",
        "JUJU_VERSION": agent.juju,
        "JUJU_HOOK_NAME": "config-changed",
        "JUJU_DISPATCH_PATH": "hooks/config-changed",
        "JUJU_CHARM_DIR": str(agent.folder),
        "PATH": f"{agent.folder / 'tools'}:{os.environ['PATH']}",
    }


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """An agent that runs `config-changed`."""
    served = Agent(tmp_path)
    for name, value in environment(served).items():
        monkeypatch.setenv(name, value)
    served.begin("config-changed")
    yield served
    served.close()


@pytest.fixture
def backend(agent: Agent) -> Any:
    """What a charm's model talks to."""
    return model._ModelBackend()  # pyright: ignore[reportPrivateUsage]


def refused(call: Callable[[], Any], kind: Type[Exception], text: str) -> None:
    """A call is to fail with an exception of a kind, and Juju's words."""
    with pytest.raises(kind) as raised:
        call()
    assert type(raised.value) is kind
    assert text in str(raised.value)


def test_relations_are_read(backend: Any, agent: Agent) -> None:
    assert backend.relation_ids("db") == [1]
    assert backend.relation_ids("peers") == [2]
    assert backend.relation_ids("old") == []
    assert backend.relation_list(1) == ["db/0"]
    assert backend.relation_list(2) == ["web/1"]
    assert backend.relation_remote_app_name(1) == "db"
    remote = backend.relation_get(1, "db/0", False)
    assert remote["host"] == "10.9.8.7"
    assert remote["note"] == 'größer & "quoted"'
    assert set(remote) == {"host", "note", "egress-subnets", "ingress-address", "private-address"}
    assert backend.relation_get(1, "db", True) == {"version": "14"}
    assert backend.relation_get(1, "web", True) == {"wants": "a-database"}
    assert backend.relation_get(2, "web", True) == {"shared": "yes"}
    assert backend.relation_get(1, "web/0", False)["private-address"] == "10.1.0.1"
    assert backend.relation_model_get(1) == {"uuid": "5d3ac0fe-9f1c-4c0e-8a57-6f0c1b2d3e4f"}
    assert {"relation-list": {"relation": 1, "is_application": False}} in agent.calls()


def test_relations_that_are_not_there(backend: Any) -> None:
    refused(lambda: backend.relation_list(9), model.RelationNotFoundError, "")
    refused(lambda: backend.relation_get(9, "db/0", False), model.RelationNotFoundError, "")
    refused(lambda: backend.relation_list(3), model.RelationNotFoundError, "")
    assert backend.relation_remote_app_name(9) is None


def test_relations_are_written_when_the_hook_ends_well(backend: Any, agent: Agent) -> None:
    backend.relation_set(1, {"a": "1", "b": "zwei\n\u201ctwo\u201d"}, is_app=False)
    backend.relation_set(1, {"wants": "", "database": "x: [y"}, is_app=True)
    assert backend.relation_get(1, "web/0", False)["b"] == "zwei\n\u201ctwo\u201d"
    assert backend.relation_get(1, "web", True) == {"database": "x: [y"}
    before = agent.ask("__state")["relations"]["1"]
    assert "a" not in before["unit_data"]["web/0"]
    changes = agent.finish()["relation_changes"]
    assert [change["keys"] for change in changes] == [
        {"a": "1", "b": "zwei\n\u201ctwo\u201d"},
        {"database": "x: [y", "wants": None},
    ]
    assert agent.ask("__state")["relations"]["1"]["application_data"]["web"] == {"database": "x: [y"}


def test_an_emoji_is_text_to_juju_as_ops_2_writes_it(backend: Any) -> None:
    def write() -> None:
        backend.relation_set(1, {"mood": "\U0001f600"}, is_app=False)

    if IS_OPS_3:
        # JSON writes it as two escapes, which Juju's YAML does not have.
        refused(write, model.ModelError, "yaml: found invalid Unicode character escape code")
    else:
        write()
        assert backend.relation_get(1, "web/0", False)["mood"] == "\U0001f600"


def test_a_unit_that_does_not_lead(backend: Any, agent: Agent) -> None:
    agent.ask("__leader", "web/1")
    assert backend.is_leader() is False
    refused(
        lambda: backend.relation_set(1, {"a": "1"}, is_app=True),
        model.ModelError,
        "ERROR cannot write relation settings",
    )
    refused(lambda: backend.relation_get(1, "web", True), model.ModelError, "ERROR permission denied")
    assert backend.relation_get(2, "web", True) == {"shared": "yes"}
    refused(
        lambda: backend.status_set("active", "", is_app=True),
        model.ModelError,
        "this unit is not the leader",
    )
    refused(
        lambda: backend.status_get(is_app=True),
        model.ModelError,
        "ERROR finding application status: this unit is not the leader",
    )
    refused(
        lambda: backend.secret_add({"key": "value"}, owner="application"),
        model.ModelError,
        "ERROR this unit is not the leader",
    )


def test_configuration(backend: Any) -> None:
    assert backend.config_get() == {"name": "a <web> server", "port": 80, "ratio": 0.5, "debug": False}


def test_statuses(backend: Any, agent: Agent) -> None:
    backend.status_set("maintenance", "working: a & b", is_app=False)
    assert backend.status_get()["status"] == "maintenance"
    assert backend.status_get()["message"] == "working: a & b"
    backend.status_set("active", "", is_app=True)
    assert backend.status_get(is_app=True)["status"] == "active"
    expected = {"is_application": False, "kind": "maintenance", "message": "working: a & b"}
    assert agent.calls()[0] == {"status-set": expected}
    effects = agent.finish("failed")
    assert [status["kind"] for status in effects["statuses"]] == ["maintenance", "active"]
    unit = agent.ask("__state")["units"]["web/0"]
    assert unit["status"]["message"] == "working: a & b"
    assert unit["failure"] == 'hook failed: "config-changed"'


def test_secrets_that_are_owned(backend: Any, agent: Agent) -> None:
    expire = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    identity = backend.secret_add(
        {"password": "s3cret\nline"},
        label="db",
        description="For the database",
        expire=expire,
        rotate=model.SecretRotate.DAILY,
        owner="application",
    )
    assert identity.startswith("secret:") and len(identity) == 27
    assert agent.calls()[-1] == {
        "secret-add": {
            "owner": "application",
            "content": {"password": "s3cret\nline"},
            "details": {
                "label": "db",
                "description": "For the database",
                "expire": "2030-01-02T03:04:05Z",
                "rotation": "daily",
            },
        }
    }
    assert backend.secret_get(id=identity) == {"password": "s3cret\nline"}
    assert backend.secret_get(label="db") == {"password": "s3cret\nline"}
    info = backend.secret_info_get(label="db")
    assert (info.revision, info.label, info.rotation) == (1, "db", model.SecretRotate.DAILY)
    assert info.expires == expire
    backend.secret_grant(identity, 1)
    assert agent.calls()[-1] == {"secret-grant": {"id": identity[7:], "relation": 1, "to": "db"}}
    backend.secret_grant(identity, 1, unit="db/0")
    agent.finish()

    agent.begin("update-status")
    assert backend.secret_get(id=identity) == {"password": "s3cret\nline"}
    backend.secret_set(identity, content={"password": "newer"})
    assert backend.secret_get(id=identity) == {"password": "s3cret\nline"}
    assert backend.secret_get(id=identity, peek=True) == {"password": "newer"}
    # The revision counts from the end of the hook on (context.go, SecretMetadata).
    assert backend.secret_info_get(id=identity).revision == 1
    backend.secret_revoke(identity, 1)
    refused(
        lambda: backend.secret_add({"password": "other"}, label="db", owner="application"),
        model.ModelError,
        'secret with label "db" already exists',
    )
    agent.finish()
    secret = agent.ask("__state")["secrets"][identity[7:]]
    assert (secret["latest"], list(secret["grants"])) == (2, ["db/0"])

    agent.begin("update-status")
    backend.secret_remove(identity)
    refused(lambda: backend.secret_get(id=identity), model.SecretNotFoundError, "")
    refused(lambda: backend.secret_info_get(id=identity), model.SecretNotFoundError, "")
    agent.finish("failed")
    assert identity[7:] in agent.ask("__state")["secrets"]


def test_secrets_of_others(backend: Any, agent: Agent) -> None:
    granted, private = (f"secret:{identity}" for identity in agent.ask("__state")["secrets"])
    assert backend.secret_get(id=granted, label="theirs")["password"] == "hunter2"
    assert backend.secret_get(label="theirs", refresh=True)["username"] == "web"
    refused(lambda: backend.secret_get(id=private), model.ModelError, "ERROR permission denied")
    missing = "secret:d5at4l0ui3e8a215n4g0"
    refused(lambda: backend.secret_get(id=missing), model.SecretNotFoundError, "")
    refused(lambda: backend.secret_get(label="unknown"), model.SecretNotFoundError, "")
    refused(lambda: backend.secret_info_get(id=granted), model.SecretNotFoundError, "")
    refused(lambda: backend.secret_remove(granted), model.SecretNotFoundError, "")


def test_ports(backend: Any, agent: Agent) -> None:
    backend.open_port("tcp", 80)
    backend.open_port("icmp")
    backend.open_port("udp", 53)
    backend.close_port("udp", 53)
    assert backend.opened_ports() == {model.Port("tcp", 80), model.Port("icmp", None)}
    range_80 = {"protocol": "tcp", "from": 80, "to": 80}
    assert agent.calls()[0] == {"open-port": {"range": range_80, "endpoints": []}}
    assert len(agent.finish()["ports"]) == 2
    refused_port = 70_000
    agent.begin("update-status")
    refused(lambda: backend.open_port("tcp", refused_port), model.ModelError, "port range bounds")


def test_storage(backend: Any, agent: Agent) -> None:
    assert backend.storage_list("data") == [0]
    assert backend.storage_list("logs") == []
    assert str(backend.storage_get("data/0", "location")) == "/srv/data/data-0"
    refused(lambda: backend.storage_get("data/9", "location"), model.ModelError, "storage not found")
    backend.storage_add("data", 2)
    refused(lambda: backend.storage_add("logs"), model.ModelError, 'charm storage "logs" not found')
    assert agent.finish()["storage_additions"] == [{"name": "data", "count": 2}]


@pytest.mark.skipif(IS_OPS_3, reason="ops 3 reads the storage of a hook from the environment")
def test_the_storage_of_a_hook_is_read_from_the_manual(backend: Any, agent: Agent) -> None:
    agent.begin("data-storage-attached", "storage=data/0")
    assert backend._storage_event_details() == (0, "/srv/data/data-0")


def test_networks(backend: Any) -> None:
    network = backend.network_get("db", 1)
    assert network["bind-addresses"][0]["addresses"] == [
        {"hostname": "", "value": "10.1.0.1", "cidr": "10.1.0.0/16"}
    ]
    assert network["ingress-addresses"] == ["10.1.0.1"]
    assert network["egress-subnets"] == ["10.1.0.1/32"]
    refused(lambda: backend.network_get("nothing"), model.ModelError, "no network config found for binding")
    refused(lambda: backend.network_get("db", 9), model.RelationNotFoundError, "")


def test_actions(backend: Any, agent: Agent) -> None:
    refused(backend.action_get, model.ModelError, "ERROR not running an action")
    parameters = {"depth": 3, "where": {"host": "a<b"}, "names": ["x"], "really": True}
    agent.begin("actions/backup", parameters=parameters)
    assert backend.action_get() == parameters
    backend.action_set({"outcome": {"size": "10G", "files": 3}, "note": "a=b"})
    backend.action_log("half way")
    refused(lambda: backend.action_set({"stdout": "x"}), model.ModelError, "cannot set reserved action key")
    # ops 3.9 hands on the error of the tool itself here, and no ModelError.
    with pytest.raises(Exception):
        backend.reboot()
    misuse = agent.ask("__effects")["misuses"][-1]
    assert misuse["message"] == "ERROR juju-reboot is not supported when running an action."
    backend.action_fail("the disk is full")
    assert agent.finish("failed")["action"] == {
        "results": {"note": "a=b", "outcome": {"files": "3", "size": "10G"}},
        "failure": "the disk is full",
        "log": ["half way"],
    }
    assert agent.ask("__state")["units"]["web/0"]["failure"] is None


def test_what_a_charm_tells_of_itself(backend: Any, agent: Agent) -> None:
    backend.juju_log("WARNING", "-- a message\nof two lines")
    backend.application_version_set("1.2.3")
    backend.reboot()
    effects = agent.finish()
    assert effects["log"] == [{"level": "WARNING", "text": "-- a message\nof two lines"}]
    assert (effects["workload_version"], effects["reboot"]) == ("1.2.3", "later")


def test_a_reboot_at_once_keeps_nothing(backend: Any, agent: Agent) -> None:
    backend.open_port("tcp", 80)
    with pytest.raises(SystemExit):
        backend.reboot(now=True)
    effects = agent.finish()
    assert (effects["reboot"], effects["is_committed"], effects["ports"]) == ("now", False, [])


def test_what_the_model_offers(backend: Any) -> None:
    assert backend.resource_get("config") == "/var/resources/web/config.tar"
    refused(lambda: backend.resource_get("absent"), model.ModelError, "could not download resource")
    assert backend.planned_units() == 2
    cloud = backend.credential_get()
    assert (cloud.type, cloud.region) == ("lxd", "localhost")
    assert cloud.credential.attributes == {"client-cert": "cert"}


def test_state_with_the_controller(agent: Agent) -> None:
    storage = _JujuStorageBackend()
    value = {"a": [1, None, "x: y"], "b": "zwei\nzeilen"}
    storage.set("MyCharm/StoredStateData[_stored]", value)
    assert storage.get("MyCharm/StoredStateData[_stored]") == value
    with pytest.raises(KeyError):
        storage.get("other")
    agent.finish()
    agent.begin("update-status")
    assert storage.get("MyCharm/StoredStateData[_stored]") == value
    storage.delete("MyCharm/StoredStateData[_stored]")
    agent.finish("failed")
    assert list(agent.ask("__state")["units"]["web/0"]["charm_state"]) == [
        "MyCharm/StoredStateData[_stored]"
    ]


def test_metrics_are_for_their_own_hook(backend: Any, agent: Agent) -> None:
    refused(lambda: backend.add_metrics({"users": 3}), model.ModelError, "metrics not allowed in this context")
    agent.begin("collect-metrics")
    backend.add_metrics({"users": 3}, {"kind": "active"})
    refused(backend.config_get, model.ModelError, "not implemented for restricted context")
    backend.juju_log("INFO", "counted")
    assert agent.finish()["metrics"] == [{"key": "users", "value": "3", "labels": {"kind": "active"}}]


@pytest.mark.skipif(not IS_OPS_3, reason="ops 2 has no functions for each tool")
def test_each_tool_by_itself(agent: Agent) -> None:
    from ops import hookcmds  # pyright: ignore[reportAttributeAccessIssue]

    hooks: Any = hookcmds
    assert hooks.config_get("port") == 80
    assert hooks.config_get("unset") is None
    assert hooks.relation_get(1, key="host", unit="db/0") == "10.9.8.7"
    assert hooks.relation_get(1, key="absent", unit="db/0") is None
    assert hooks.relation_list(1, endpoint="db") == ["db/0"]
    assert hooks.relation_list(1, app=True) == "db"
    with pytest.raises(hooks.Error) as raised:
        hooks.relation_list(1, endpoint="peers")
    assert (raised.value.returncode, raised.value.stderr) == (
        2,
        'ERROR invalid value "peers:1" for option -r: relation not found\n',
    )
    assert agent.calls()[-2:] == [
        {"relation-list": {"relation": 1, "is_application": False}},
        {"relation-list": {"relation": 1, "is_application": True}},
    ]
    goals = hooks.goal_state()
    assert goals.units["web/0"].status == "waiting"
    assert set(goals.relations["db"]) == {"db", "db/0"}
    assert hooks.status_get().status == "waiting"
    application = hooks.status_get(app=True)
    assert application.status == "waiting"
    hooks.open_port(port=80, to_port=90, endpoints=["db"])
    hooks.open_port("udp", 53)
    assert len(hooks.opened_ports(endpoints=True)) == 2
    hooks.state_set({"one": "1", "two": "zwei\n"})
    assert hooks.state_get("one") == "1"
    assert hooks.state_get(None) == {"one": "1", "two": "zwei\n"}
    hooks.state_delete("one")
    assert hooks.state_get(None) == {"two": "zwei\n"}
    assert hooks.storage_get("data/0").kind == "filesystem"
    assert hooks.secret_ids() in (None, [])
    identity = hooks.secret_add({"key": "value"}, owner="unit", expire="24h")
    assert hooks.secret_ids() == [identity[7:]]
    assert hooks.secret_info_get(id=identity).revision == 1
    hooks.secret_revoke(identity, relation_id=None, app="db")
    hooks.juju_log("a line")
    assert agent.finish()["misuses"][0]["tool"] == "relation-list"
