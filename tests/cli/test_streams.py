"""Errors of the operating system: each has the code that it deserves, and is no fault of ours."""

import errno
import os

import pytest

from cli.context import Invocation
from cli.streams import of_system_error
from platform_core.errors import ExitCode


@pytest.mark.parametrize(
    ("number", "file", "answering", "changed", "code", "told"),
    [
        (errno.ENOSPC, None, True, True, ExitCode.PARTIAL, "the change was made, but its result could not be written"),
        (errno.ENOSPC, None, True, False, ExitCode.TRY_AGAIN, "the result could not be written"),
        (errno.EIO, None, False, False, ExitCode.TRY_AGAIN, "output"),
        (errno.ENOSPC, "x.dump", False, False, ExitCode.TRY_AGAIN, "x.dump"),
        (errno.EACCES, "x.dump", False, False, ExitCode.NOT_PERMITTED, "x.dump"),
        (errno.ENOENT, "x.dump", False, False, ExitCode.USAGE, "x.dump"),
        (errno.ENOTDIR, "x.dump", True, True, ExitCode.USAGE, "x.dump"),
        (errno.EBADF, "x.dump", False, False, ExitCode.FAULT, "x.dump"),
    ],
)
def test_an_error_of_the_system(
    number: int, file: str | None, answering: bool, changed: bool, code: ExitCode, told: str
) -> None:
    invocation = Invocation(answering=answering, changed=changed)
    error = of_system_error(OSError(number, os.strerror(number), file), invocation)
    assert error.code == code
    assert told in error.message
    assert os.strerror(number) in error.message
