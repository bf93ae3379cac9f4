"""The checks of our own find what they are for."""

from pathlib import Path

import pytest

from tools import check_source


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("cli/x.py", "import typer\n\ndef f():\n    return typer.Exit(3)\n", "raise it"),
        ("platform_core/x.py", 'SQL = "SELECT now()"\n', "use agentadm.now()"),
        ("platform_core/x.sql", "SELECT 1\nWHERE day < CURRENT_DATE\n", "use agentadm.now()"),
        ("platform_core/x.py", "def pay(amount: float) -> None: ...\n", "money is an integer"),
        ("platform_core/x.py", "price: float = 1\n", "money is an integer"),
        ("migrations/x.py", "x = 1\n" * 400, "make it two"),
    ],
)
def test_each_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str, told: str) -> None:
    path = tmp_path / name
    path.parent.mkdir()
    path.write_text(source)
    monkeypatch.setattr(check_source, "ROOT", tmp_path)
    findings = [*check_source._long_sources(), *check_source._other_clocks(), *check_source._syntax_findings()]
    assert len(findings) == 1
    assert findings[0].startswith(name)
    assert told in findings[0]


def test_what_is_right_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cli" / "x.py"
    path.parent.mkdir()
    path.write_text('def now() -> int:\n    return 1\n\nSQL = "SELECT agentadm.now()"\namount: int = now()\n')
    monkeypatch.setattr(check_source, "ROOT", tmp_path)
    assert not [*check_source._long_sources(), *check_source._other_clocks(), *check_source._syntax_findings()]
