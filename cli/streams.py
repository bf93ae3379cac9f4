"""Streams whose reader may go away."""

import errno
import os
import sys
from typing import TYPE_CHECKING, TextIO

from platform_core.errors import AgentadmError, NotPermitted, PartlyDone, TryAgain, UsageError

if TYPE_CHECKING:
    from cli.context import Invocation

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
WRONG_PATH = frozenset({errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP})


class Forgiving:
    """stderr: whether anybody hears a note or an error never decides about the work or its exit code.

    Args:
        stream: where it goes while somebody reads it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write if possible."""
        try:
            return self._stream.write(text)
        except OSError:
            forget(self._stream)
            return len(text)

    def flush(self) -> None:
        """Flush if possible."""
        try:
            self._stream.flush()
        except OSError:
            forget(self._stream)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()


def forget(stream: TextIO) -> None:
    """Nothing more reaches a stream of the process, so that Python's own flush at exit has nothing to complain about.

    Args:
        stream: that cannot be written to any more.
    """
    if stream in {sys.__stdout__, sys.__stderr__}:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def of_system_error(error: OSError, invocation: "Invocation") -> AgentadmError:
    """Ours for an error of the operating system: a disk that is full is no fault of ours, nor is a wrong path.

    Args:
        error: what it said.
        invocation: tells whether the work was done when the answer could not be written.
    """
    what = error.strerror or str(error)
    if invocation.answering and error.filename is None:
        if invocation.changed:
            return PartlyDone(
                f"the change was made, but its result could not be written: {what}",
                "do not repeat it: agentadm audit list shows what was done",
            )
        return TryAgain(f"the result could not be written: {what}", "make room, then try again")
    told = f"{what}: {error.filename or 'output'}"
    if error.errno in WRONG_PATH:
        return UsageError(told)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return NotPermitted(told)
    return TryAgain(told, "make room, then try again") if error.errno in FULL else AgentadmError(told)
