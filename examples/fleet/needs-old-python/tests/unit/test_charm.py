import unittest

from charm import ChatServerCharm
from ops.model import ActiveStatus, BlockedStatus
from ops.testing import Harness


class TestCharm(unittest.TestCase):
    def setUp(self):
        self.harness = Harness(ChatServerCharm)
        self.addCleanup(self.harness.cleanup)
        self.harness.begin()

    def test_motd(self):
        self.harness.update_config({"motd": "Hello"})
        self.assertEqual(self.harness.charm.unit.status, ActiveStatus("5 letters"))

    def test_empty_motd(self):
        self.harness.update_config({"motd": " "})
        self.assertEqual(self.harness.charm.unit.status, BlockedStatus("motd is empty"))

    def test_port(self):
        relation = self.harness.add_relation("chat", "client")
        self.harness.add_relation_unit(relation, "client/0")
        data = self.harness.get_relation_data(relation, self.harness.charm.unit.name)
        self.assertEqual(data["port"], "6667")


if __name__ == "__main__":
    unittest.main()
