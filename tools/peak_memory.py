"""Run one command line, then print the peak of its memory on stderr: `python -m tools.peak_memory users list`."""

import re
import sys
from pathlib import Path

from cli.main import main


def peak_kilobytes() -> int:
    """The most that this process ever held, by Linux's /proc.

    Not getrusage's ru_maxrss: a process inherits that from who started it, also through exec.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("/proc/self/status has no VmHWM")
    return int(found[1])


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.write(f"\n{peak_kilobytes()}\n")
    sys.exit(code)
