"""Names as people write them, in whatever script, and what is no name."""

import pytest

from platform_core.errors import UsageError
from platform_core.refs import checked_name
from tests.conftest import Agentadm

NAMES = ["👩\u200d🚀 Ada", "می\u200cروم", "नमस्ते क्\u200dष", "Ada\u00a0Lovelace", "نور\u200f", "[red]x", "田中 🇩🇪"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_is_a_name_and_a_reference(agentadm: Agentadm, name: str) -> None:
    assert agentadm("users", "create", "ada@example.com", "--full-name", name).code == 0
    assert agentadm("plans", "create", "free", "--name", name, "--allow", "max_workflows=1").code == 0
    for argv in (
        ("teams", "create", name, "--slug", "team", "--owner", "ada@example.com"),
        ("projects", "create", name, "--team", "team"),
        ("crews", "create", name, "--project", name),
        ("agents", "create", name, "--team", "team", "--slug", "agent"),
        ("workflows", "create", name, "--team", "team"),
        ("keys", "create", "ada@example.com", "--name", name),
    ):
        done = agentadm(*argv)
        assert done.code == 0, (argv, done.err)
    shown = agentadm("projects", "show", "-", "-o", "json", stdin=f"{name}\n")
    assert [row["value"]["name"] for row in shown.json] == [name]


@pytest.mark.parametrize(
    "name", ["", "a\nb", "a\x00", "a\x7f", "a\x9b31m", "a\u202eb", "a\u2066b", "a\u2028b", "x" * 201]
)
def test_what_controls_a_terminal_a_line_or_a_direction_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="is no name"):
        checked_name(name)
