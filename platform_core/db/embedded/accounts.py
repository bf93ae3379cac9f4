"""The accounts of the machine that own the server's files and run its processes."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """The user and group that PostgreSQL's processes run as."""

    uid: int
    gid: int


def this_account() -> Account:
    """The account of this process."""
    return Account(os.geteuid(), os.getegid())


def is_root() -> bool:
    """Whether this process is root's. PostgreSQL refuses to run as root, so that much is different then."""
    return os.geteuid() == 0
