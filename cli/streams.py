"""Streams whose reader may go away."""

import os
import sys
from typing import TextIO


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
