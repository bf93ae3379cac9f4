"""A process that verifies keys without end, and counts what must not be: run by tests/keys/test_under_load.py.

The file says which keys are valid and which are revoked. It is replaced whole: before a key is revoked it is no longer
called valid, and after that revoked.
"""

import json
import sys
from pathlib import Path

from platform_core.keys.verifying import KeyVerifier
from platform_core.platform import Platform


def state(file: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(file.read_text())
    return found


def hammer(verifier: KeyVerifier, file: Path) -> dict[str, int]:
    told = {"verified": 0, "refused": 0, "accepted": 0}
    before = state(file)
    while before["on"]:
        valid = {text: verifier.verify(text).verdict.valid for text in before["valid"]}
        accepted = sum(verifier.verify(text).verdict.valid for text in before["revoked"][-20:])
        after = state(file)
        told["refused"] += sum(not valid[text] for text in set(before["valid"]) & set(after["valid"]))
        told["accepted"] += accepted
        told["verified"] += len(valid) + len(before["revoked"][-20:])
        before = after
    return told


def main() -> None:
    platform = Platform()
    with platform.key_verifier() as verifier:
        sys.stdout.write(json.dumps(hammer(verifier, Path(sys.argv[1]))))
    platform.close()


if __name__ == "__main__":
    main()
