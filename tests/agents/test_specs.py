"""Specifications: versions, what differs between them, the way back, and files."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.agents.helpers import company, spec, versions
from tests.conftest import Agentadm
from tests.outcomes import audited, done, refused, undo
from tests.support import Database

FIRST = "# Scribe\n\nWrites.\nSlowly.\n"
SECOND = "# Scribe\n\nWrites.\nQuickly."
SCRIBE = "engines/scribe"


@pytest.fixture(autouse=True)
def scribe(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    """A team's agent with two versions."""
    company(database, agentadm)
    made = agentadm("agents", "create", "Scribe", "--team", "engines", "--spec-file", spec(tmp_path, FIRST))
    assert made.code == 0, made.err
    argv = ["--spec-file", spec(tmp_path, SECOND), "--notes", "faster", "--changed-by", "grace"]
    assert agentadm("agents", "update", SCRIBE, *argv).code == 0


def listed(agentadm: Agentadm, *argv: str) -> list[tuple[Any, ...]]:
    return [
        (row["version"], row["current"], row["change_notes"], row["changed_by"])
        for row in done(agentadm("agents", "versions", SCRIBE, "-o", "json", *argv))
    ]


def test_a_change_of_the_specification_makes_a_version(database: Database, agentadm: Agentadm, tmp_path: Path) -> None:
    assert listed(agentadm) == [(2, True, "faster", "grace@example.com"), (1, False, None, None)]
    assert listed(agentadm, "--sort", "version", "--limit", "1") == [(1, False, None, None)]
    assert listed(agentadm, "--where", "current=true") == [(2, True, "faster", "grace@example.com")]
    assert listed(agentadm, "--where", "change_notes~fast")[0][0] == 2
    assert audited(database, "agents update") == [
        ("agents", "update", "statement"), ("agent_versions", "insert", "trigger"),
    ]  # fmt: skip
    same = agentadm("agents", "update", SCRIBE, "--spec-file", spec(tmp_path, SECOND), "--notes", "again")
    assert "nothing to change" in same.err
    assert agentadm("agents", "update", SCRIBE, "--name", "Author").code == 0
    assert len(versions(database)) == 2


def test_notes_of_one_change_are_not_the_next_ones(agentadm: Agentadm, tmp_path: Path) -> None:
    assert agentadm("agents", "update", SCRIBE, "--spec-file", spec(tmp_path, "third")).code == 0
    assert listed(agentadm)[0] == (3, True, None, None)


def test_undo_brings_the_version_back_and_the_next_is_the_highest(
    database: Database, agentadm: Agentadm, tmp_path: Path
) -> None:
    assert undo(database, agentadm, "agents update").code == 0
    shown = agentadm("agents", "show", SCRIBE, "-o", "json").json
    assert (shown["spec_version"], shown["spec_content"]) == (1, FIRST)
    assert [row[:2] for row in listed(agentadm)] == [(2, False), (1, True)]
    assert agentadm("agents", "update", SCRIBE, "--spec-file", spec(tmp_path, "third")).code == 0
    assert [row[:2] for row in listed(agentadm)] == [(3, True), (2, False), (1, False)]
    assert versions(database) == [(1, FIRST), (2, SECOND), (3, "third")]


def test_rollback_makes_a_version_with_the_old_content(database: Database, agentadm: Agentadm) -> None:
    back = done(agentadm("agents", "rollback", SCRIBE, "--to", "1", "--yes", "-o", "json"))
    assert (back["spec_version"], back["spec_content"]) == (3, FIRST)
    assert listed(agentadm)[0] == (3, True, "rollback to version 1", None)
    assert "nothing to change" in agentadm("agents", "rollback", SCRIBE, "--to", "1", "--yes").err
    refused(agentadm("agents", "rollback", SCRIBE, "--to", "9", "--yes"), 5, "has no version 9", "agents versions")
    assert undo(database, agentadm, "agents rollback").code == 0
    assert listed(agentadm)[1][:2] == (2, True)
    assert agentadm("agents", "rollback", SCRIBE, "--to", "1", "--yes", "--notes", "too fast").code == 0
    assert listed(agentadm)[0] == (4, True, "too fast", None)


# ---------------------------------------------------------------------------------------------------------------- diff


def test_diff_is_what_patch_reads(agentadm: Agentadm) -> None:
    found = agentadm("agents", "diff", "Engines/SCRIBE")
    assert (found.code, found.err) == (1, "")
    assert found.out.splitlines() == [
        "--- engines/scribe@1 spec_content", "+++ engines/scribe@2 spec_content", "@@ -1,4 +1,4 @@",
        " # Scribe", " ", " Writes.", "-Slowly.", "+Quickly.", "\\ No newline at end of file",
    ]  # fmt: skip
    back = agentadm("agents", "diff", SCRIBE, "--from", "2", "--to", "1")
    assert (back.code, "+Slowly." in back.out) == (1, True)


def test_diff_as_data(agentadm: Agentadm) -> None:
    lines = agentadm("agents", "diff", SCRIBE, "-o", "json")
    assert lines.code == 1
    assert lines.json[-2:] == [
        {"part": "spec_content", "change": "removed", "from_line": 4, "to_line": None, "text": "Slowly."},
        {"part": "spec_content", "change": "added", "from_line": None, "to_line": 4, "text": "Quickly."},
    ]
    rows = list(csv.DictReader(io.StringIO(agentadm("agents", "diff", SCRIBE, "-o", "csv").out)))
    assert [row["change"] for row in rows] == ["same", "same", "same", "removed", "added"]


def test_equal_versions_do_not_differ(agentadm: Agentadm) -> None:
    same = agentadm("agents", "diff", SCRIBE, "--from", "2", "--to", "2")
    assert (same.code, same.out) == (0, "")
    assert "no difference between version 2 and version 2" in same.err
    assert agentadm("agents", "create", "Blank", "--team", "engines").code == 0
    only = agentadm("agents", "diff", "blank", "-o", "json")
    assert (only.code, only.json) == (0, [])
    refused(agentadm("agents", "diff", SCRIBE, "--from", "7"), 5, "has no version 7")


def test_a_diff_is_harmless_on_a_terminal_and_exact_in_a_file(agentadm: Agentadm, tmp_path: Path) -> None:
    assert agentadm("agents", "update", SCRIBE, "--spec-file", spec(tmp_path, "\x1b[31m\tred\r\n")).code == 0
    shown = agentadm("agents", "diff", SCRIBE, terminal=True)
    assert ("\x1b" in shown.out, "+\\u001b[31m\tred\\u000d\n" in shown.out) == (False, True)
    assert "+\x1b[31m\tred\r\n" in agentadm("agents", "diff", SCRIBE).out


# --------------------------------------------------------------------------------------------------- export and import


def test_export_is_the_specification_to_the_letter(agentadm: Agentadm) -> None:
    assert agentadm("agents", "export", SCRIBE).out == SECOND
    assert agentadm("agents", "export", SCRIBE, "--version", "1").out == FIRST
    assert agentadm("agents", "create", "Blank", "--team", "engines").code == 0
    refused(agentadm("agents", "export", "blank"), 5, "has no specification")


def test_export_of_the_whole_definition(database: Database, agentadm: Agentadm) -> None:
    database.execute(
        "INSERT INTO agentadm.agent_skills (agent_id, name, config)"
        " SELECT id, 'shorthand', '{\"a\": 1}' FROM agentadm.agents"
    )
    assert agentadm("agents", "update", SCRIBE, "--contact-email", "s@example.com").code == 0
    whole = done(agentadm("agents", "export", SCRIBE, "--version", "1", "-o", "json"))
    assert (whole["slug"], whole["version"], whole["spec_content"]) == ("scribe", 1, FIRST)
    assert whole["skills"] == [{"name": "shorthand", "description": None, "config": {"a": 1}}]
    assert (whole["contact_email"], "id" in whole) == ("***", False)
    revealed = done(agentadm("agents", "export", SCRIBE, "--reveal", "-o", "json"))
    assert revealed["contact_email"] == "s@example.com"
    several = agentadm("agents", "export", SCRIBE, "nobody", "-o", "json")
    assert (several.code, [item["status"] for item in several.json]) == (7, ["done", "failed"])


def test_what_is_exported_can_be_imported(agentadm: Agentadm, tmp_path: Path) -> None:
    file = spec(tmp_path, agentadm("agents", "export", SCRIBE).out, "copy.md")
    made = done(agentadm("agents", "import", file, "--team", "compilers", "--yes", "-o", "json"))
    assert (made["team"], made["slug"], made["name"], made["spec_content"]) == ("compilers", "copy", "Scribe", SECOND)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("intro\n\n# The Name #\n# Other", "The Name"),
        ("---\n# not this\nname: x\n---\n# This\n", "This"),
        ("```sh\n# a comment\n```\n# After\n", "After"),
        ("~~~\n# a\n```\n# b\n~~~\n# After\n", "After"),
        ("#tag\n## Second\n", "night-scribe"),
        ("", "night-scribe"),
    ],
)
def test_an_import_is_named_after_its_first_heading(agentadm: Agentadm, tmp_path: Path, text: str, name: str) -> None:
    file = spec(tmp_path, text, "night-scribe.md")
    made = done(agentadm("agents", "import", file, "--team", "engines", "--yes", "-o", "json"))
    assert (made["name"], made["slug"], made["spec_content"]) == (name, "night-scribe", text)


def test_an_import_of_several_files_stands_alone_in_each(
    database: Database, agentadm: Agentadm, tmp_path: Path
) -> None:
    files = [spec(tmp_path, "# New\n", "new.md"), spec(tmp_path, "third", "scribe.md"), str(tmp_path / "none.md")]
    argv = ["agents", "import", *files, "--team", "engines", "--yes", "-o", "json"]
    failed = agentadm(*argv)
    assert failed.code == 7
    assert [(item["status"], item["code"]) for item in failed.json] == [("done", 0), ("failed", 6), ("failed", 2)]
    assert "engines/scribe is there already" in failed.json[1]["message"]
    assert "cannot be read" in failed.json[2]["message"]
    skipped = agentadm(*argv[:-2], "--on-conflict", "skip", "-o", "json")
    assert [item["status"] for item in skipped.json] == ["unchanged", "unchanged", "failed"]
    assert versions(database)[-1] == (2, SECOND)
    updated = agentadm(*argv[:-2], "--on-conflict", "update", "--notes", "new file", "--tool", "pen", "-o", "json")
    assert [item["status"] for item in updated.json] == ["done", "done", "failed"]
    assert listed(agentadm)[0] == (3, True, "new file", None)
    shown = agentadm("agents", "show", SCRIBE, "-o", "json").json
    assert (shown["name"], shown["tools"], shown["spec_content"]) == ("Scribe", ["pen"], "third")
    none = agentadm(*argv, "--atomic")
    assert none.code == 6
    counted = agentadm(*argv[:3], "--team", "engines", "--yes", "--on-conflict", "update", "--expect", "2")
    refused(counted, 9)


def test_an_import_from_stdin(agentadm: Agentadm) -> None:
    argv = ["agents", "import", "-", "--user", "ada", "--yes", "-o", "json"]
    made = done(agentadm(*argv, stdin="# My Diary\n"))
    assert (made["slug"], made["name"], made["agent_type"]) == ("my-diary", "My Diary", "personal")
    refused(agentadm(*argv, stdin="no heading"), 2, "--name NAME")
    assert done(agentadm(*argv, "--name", "Other", "--slug", "another", stdin="x"))["slug"] == "another"
    refused(agentadm("agents", "import", "-", "x.md", "--team", "engines", "--yes"), 2, "give - alone")
    refused(
        agentadm("agents", "import", "a.md", "b.md", "--name", "x", "--team", "engines", "--yes"), 2, "for one file"
    )
    refused(agentadm("agents", "import", "x.md", "--yes", "--team", "engines"), 2, "'x.md' cannot be read")


def test_an_import_of_a_deleted_agent_says_so(agentadm: Agentadm, tmp_path: Path) -> None:
    assert agentadm("agents", "delete", SCRIBE, "--yes").code == 0
    file = spec(tmp_path, "x", "scribe.md")
    refused(
        agentadm("agents", "import", file, "--team", "engines", "--on-conflict", "update", "--yes"), 6,
        "taken by deleted agent engines/scribe",
    )  # fmt: skip
