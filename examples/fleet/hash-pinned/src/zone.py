"""The text of a DNS zone."""

import ipaddress
from collections.abc import Mapping


class BadRecordError(ValueError):
    """A record that no zone can hold."""


def render(name: str, records: Mapping[str, str], ttl: int) -> str:
    """The zone file.

    Args:
        name: The name of the zone.
        records: Address by host name.
        ttl: How many seconds a record may be kept.

    Raises:
        BadRecordError: An address is not one.
    """
    lines = [f"$ORIGIN {name}.", f"$TTL {ttl}"]
    for host, address in sorted(records.items()):
        try:
            version = ipaddress.ip_address(address).version
        except ValueError:
            raise BadRecordError(f"{host} has no proper address") from None
        lines.append(f"{host} IN {'A' if version == 4 else 'AAAA'} {address}")
    return "\n".join([*lines, ""])
