"""Plays ping-pong."""

import ops


class PingPongPartnerCharm(ops.CharmBase):
    """The charm."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        framework.observe(self.on.ball_relation_created, self._on_ball)
        framework.observe(self.on.ball_relation_changed, self._on_ball)

    def _on_ball(self, event: ops.RelationEvent):
        theirs = [int(event.relation.data[unit].get("count", "0")) for unit in event.relation.units]
        event.relation.data[self.unit]["count"] = str(max(theirs, default=0) + 1)


if __name__ == "__main__":
    ops.main(PingPongPartnerCharm)
