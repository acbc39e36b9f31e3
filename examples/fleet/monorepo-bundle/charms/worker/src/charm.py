#!/usr/bin/env python3
"""Charm of the gallery's worker."""

import secrets

import ops

UPLOAD_KEY = "upload-key"


class GalleryWorkerCharm(ops.CharmBase):
    """Lends one upload key to all galleries that it works for."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        jobs = self.on["jobs"]
        framework.observe(jobs.relation_changed, self._on_jobs_changed)
        framework.observe(jobs.relation_broken, self._on_jobs_broken)

    def _upload_key(self) -> ops.Secret:
        try:
            return self.model.get_secret(label=UPLOAD_KEY)
        except ops.SecretNotFoundError:
            return self.app.add_secret({"key": secrets.token_hex(16)}, label=UPLOAD_KEY)

    def _on_jobs_changed(self, event: ops.RelationChangedEvent) -> None:
        wanted = event.relation.data[event.app].get("sizes", "")
        sizes = [size for size in wanted.split(",") if size]
        self.unit.status = ops.ActiveStatus(f"{len(sizes)} sizes")
        if self.unit.is_leader():
            key = self._upload_key()
            key.grant(event.relation)
            event.relation.data[self.app]["upload-key"] = str(key.id)

    def _on_jobs_broken(self, event: ops.RelationBrokenEvent) -> None:
        if self.unit.is_leader():
            self._upload_key().revoke(event.relation)
        self.unit.status = ops.WaitingStatus("no gallery")


if __name__ == "__main__":
    ops.main(GalleryWorkerCharm)
