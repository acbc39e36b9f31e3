import unittest

from ops import testing

from charm import PrintQueueCharm


def stored(*, paused: bool) -> testing.StoredState:
    return testing.StoredState(owner_path="PrintQueueCharm", content={"paused": paused})


class TestPrintQueue(unittest.TestCase):
    def setUp(self) -> None:
        self.ctx = testing.Context(PrintQueueCharm)

    def test_counts_who_prints(self) -> None:
        first, second = testing.Relation("printer"), testing.Relation("printer")
        state = testing.State(relations={first, second})

        out = self.ctx.run(self.ctx.on.relation_created(second), state)

        self.assertEqual(out.unit_status, testing.ActiveStatus("2 printing"))

    def test_pause(self) -> None:
        out = self.ctx.run(self.ctx.on.action("pause"), testing.State())

        self.assertEqual(out.unit_status, testing.MaintenanceStatus("paused"))
        self.assertTrue(
            out.get_stored_state("_stored", owner_path="PrintQueueCharm").content["paused"]
        )

    def test_pause_twice(self) -> None:
        state = testing.State(stored_states={stored(paused=True)})

        with self.assertRaisesRegex(testing.ActionFailed, "paused already"):
            self.ctx.run(self.ctx.on.action("pause"), state)

    def test_resume(self) -> None:
        state = testing.State(stored_states={stored(paused=True)})

        out = self.ctx.run(self.ctx.on.action("resume"), state)

        self.assertEqual(out.unit_status, testing.ActiveStatus("0 printing"))


if __name__ == "__main__":
    unittest.main()
