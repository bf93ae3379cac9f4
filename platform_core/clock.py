"""Time and time-ordered ids on our side of the wire. SQL has agentadm.now() and agentadm.uuid_v7()."""

import secrets
import time
from datetime import UTC, datetime
from uuid import UUID


def utc_now() -> datetime:
    """The real time in UTC, for what is no business time: leases, waits, records of this process."""
    return datetime.now(UTC)


def uuid_v7() -> UUID:
    """A time-ordered id (RFC 9562, version 7): 48 bits of milliseconds, the rest from a secure source."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = secrets.randbits(74)
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random_bits >> 62) << 64
    return UUID(int=value | 0b10 << 62 | random_bits & (1 << 62) - 1)
