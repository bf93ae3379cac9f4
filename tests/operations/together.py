"""Commands in processes of their own, forked from one that has loaded the tool: python -m tests.operations.together.

Its argument is a JSON array of command lines, its output one of exit code, stdout and stderr of each.
"""

import json
import os
import sys
from importlib import import_module
from tempfile import TemporaryFile
from typing import IO

from cli.main import main

Running = tuple[int, IO[bytes], IO[bytes]]


def begin(argv: list[str]) -> Running:
    out, err = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - read when the process has ended
    process = os.fork()
    if process == 0:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        code = main(argv)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return process, out, err


def end(running: Running) -> tuple[int, str, str]:
    process, out, err = running
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return code, os.pread(out.fileno(), 1 << 20, 0).decode(), os.pread(err.fileno(), 1 << 20, 0).decode()


if __name__ == "__main__":
    calls: list[list[str]] = json.loads(sys.argv[1])
    for noun in {argv[0] for argv in calls}:
        import_module(f"cli.{noun}")
        import_module(f"platform_core.{noun}.service")
    for module in ("platform_core.db.session", "platform_core.bulk.runs", "cli.output.machine"):
        import_module(module)
    running = [begin(argv) for argv in calls]
    sys.stdout.write(json.dumps([end(each) for each in running]))
