"""A small company, and what every command is called with there: for the tests that walk the registry."""

from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cli.main import main
from platform_core.db.version import SCHEMA_VERSION
from tests.agents_support import FAILED_RUN, QUEUED_RUN
from tests.keys.conftest import ring
from tests.keys.known import FILE, START
from tests.support import Database, Terminal
from tests.workflows.known import SCHEDULE, TRIGGER

# A pepper more than the database knows, to be added; and encryption keys to retire, which nothing uses.
MATERIAL = ring({1: 0, 2: 2}, {1: 0, 2: 2, 3: 3})
FILES = Path(__file__).parents[1] / "users" / "files"
SPECS = Path(__file__).parents[1] / "agents" / "files"
# What a command is called with. {operation} is one that there is, {folder} a new folder, {name} a new role's name.
ARGUMENTS: dict[str, list[str]] = {
    "agents configurations set": ["engines/copyist", "bob@example.com", "--json", '{{"language": "en"}}'],
    "agents configurations show": ["engines/copyist", "ada@example.com"],
    "agents errors": ["engines/copyist"],
    "agents plans list": ["engines/copyist"],
    "agents plans set": ["engines/copyist", "free", "--requests-per-day", "200"],
    "agents skills add": ["engines/copyist", "writing"],
    "agents skills list": ["engines/copyist"],
    "agents skills remove": ["engines/copyist", "reading"],
    "agents archive": ["engines/scribe"],
    "agents create": ["Proofreader", "--team", "engines"],
    "agents delete": ["engines/scribe"],
    "agents diff": ["engines/scribe", "--from", "1", "--to", "1"],
    "agents export": ["engines/scribe"],
    "agents import": [str(SPECS / "notetaker.md"), "--team", "engines"],
    "agents pause": ["engines/scribe"],
    "agents restore": ["engines/loom"],
    "agents resume": ["engines/weaver"],
    "agents rollback": ["engines/scribe", "--to", "1"],
    "agents search": ["scribe"],
    "agents show": ["engines/scribe"],
    "agents update": ["engines/scribe", "--description", "Writes"],
    "agents versions": ["engines/scribe"],
    "audit show": ["{operation}"],
    "audit undo": ["{operation}"],
    "completion": ["bash"],
    "crews add": ["Reviewers", "machine-2"],
    "crews create": ["Typesetters", "--project", "Numbers"],
    "crews delete": ["Reviewers"],
    "crews remove": ["Reviewers", "machine-1"],
    "crews show": ["Reviewers"],
    "crews update": ["Reviewers", "--name", "Critics"],
    "config set": ["profiles.test.database_url_command", "false"],
    "db backup": ["{folder}/some.dump"],
    "db downgrade": [SCHEMA_VERSION],
    "db init": ["--environment", "test"],
    "db restore": ["{folder}/none.dump"],
    "db roles create": ["{name}", "--group", "support"],
    "db roles revoke": ["{name}"],
    "db shell": ["--", "-q", "-c", ""],
    "db key-material add": ["pepper"],
    "db key-material retire": ["encryption", "2"],
    "keys create": ["bob@example.com"],
    "keys revoke": [START],
    "keys rotate": [START],
    "keys show": [START],
    "keys update": [START, "--rate-limit", "9"],
    "keys verify": ["--from", str(FILE)],
    "instances configure": ["machine-1", "--region", "fra"],
    "instances destroy": ["machine-1"],
    "instances show": ["machine-1"],
    "instances start": ["machine-2"],
    "instances stop": ["machine-1"],
    "models create": ["GPT-4o", "--provider", "openai", "--model-id", "gpt-4o"],
    "models delete": ["Mini"],
    "models show": ["Mini"],
    "models update": ["Mini", "--inactive"],
    "operations resume": ["{operation}"],
    "operations show": ["{operation}"],
    "limits clear": ["--user", "bob@example.com", "--name", "max_workflows"],
    "limits set": ["--user", "bob@example.com", "--allow", "max_work_agents=5", "--reason", "trade fair"],
    "limits show": ["--team", "engines"],
    "plans create": ["studio", "--name", "Studio", "--price-monthly", "49.00"],
    "plans restore": ["old"],
    "plans retire": ["pro"],
    "plans show": ["free"],
    "plans update": ["pro", "--allow", "max_workflows=unlimited"],
    "projects create": ["Weaving", "--user", "bob@example.com"],
    "projects delete": ["Numbers"],
    "projects show": ["Numbers"],
    "projects update": ["Numbers", "--description", "Note G"],
    "runs cancel": [QUEUED_RUN],
    "runs retry": [FAILED_RUN],
    "runs show": [QUEUED_RUN],
    "teams create": ["Compilers", "--owner", "bob@example.com"],
    "teams delete": ["engines"],
    "teams members add": ["engines", "eve@example.com"],
    "teams members list": ["engines"],
    "teams members remove": ["engines", "cyd@example.com"],
    "teams members set-role": ["engines", "cyd@example.com", "--role", "viewer"],
    "teams restore": ["gone"],
    "teams show": ["engines"],
    "teams transfer": ["engines", "cyd@example.com"],
    "teams update": ["engines", "--max-members", "9"],
    "users create": ["grace@example.com"],
    "users delete": ["eve@example.com"],
    "users erase": ["eve@example.com"],
    "users export": ["bob@example.com"],
    "users identities link": ["eve@example.com", "clerk", "user_eve"],
    "users identities list": ["cyd@example.com"],
    "users identities unlink": ["cyd@example.com", "clerk", "user_cyd"],
    "users import": [str(FILES / "people.csv")],
    "users merge": ["eve@example.com", "cyd@example.com"],
    "users restore": ["dan@example.com"],
    "users resume": ["ada@example.com"],
    "users show": ["ada@example.com"],
    "users suspend": ["bob@example.com"],
    "users sync": [str(FILES / "clerk.csv"), "--from", "clerk"],
    "users why": ["bob@example.com"],
    "users update": ["bob@example.com", "--full-name", "Bob"],
    "workflows archive": ["Nightly"],
    "workflows create": ["Weekly", "--team", "engines"],
    "workflows delete": ["Nightly"],
    "workflows diff": ["Nightly", "--from", "1", "--to", "1"],
    "workflows pause": ["Nightly"],
    "workflows restore": ["Forgotten"],
    "workflows resume": ["Dormant"],
    "workflows rollback": ["Nightly", "--to", "1"],
    "workflows runs": ["Nightly"],
    "workflows schedules add": ["Nightly", "30 9 * * MON-FRI", "--timezone", "Europe/Berlin"],
    "workflows schedules list": ["Nightly"],
    "workflows schedules remove": [SCHEDULE],
    "workflows schedules update": [SCHEDULE, "--cron", "0 8 * * *"],
    "workflows show": ["Nightly"],
    "workflows triggers add": ["Nightly", "email"],
    "workflows triggers list": ["Nightly"],
    "workflows triggers remove": [TRIGGER],
    "workflows triggers update": [TRIGGER, "--inactive"],
    "workflows update": ["Nightly", "--category", "Reports"],
    "workflows versions": ["Nightly"],
}


@dataclass
class Called:
    """What one call did."""

    code: int
    out: str
    err: str


@dataclass
class World:
    """A database with a small company and an operation, and what a command is called with there."""

    database: Database
    folder: Path
    operation: str

    @property
    def environ(self) -> dict[str, str]:
        return {
            **self.database.environ,
            "AGENTADM_CONFIG": str(self.folder / "config.toml"),
            "AGENTADM_HOME": str(self.folder / "home"),
            "AGENTADM_KEY_MATERIAL": MATERIAL,
        }

    def argv(self, path: str, arguments: list[str] | None = None, *, confirmed: bool = True) -> list[str]:
        given = ARGUMENTS.get(path, []) if arguments is None else arguments
        known = {"operation": self.operation, "folder": str(self.folder), "name": f"joiner_{self.database.name}"}
        words = [word.format(**known) for word in given]
        sure = ["--yes", "--confirm", "test"] if confirmed else []
        return ["-o", "json", *sure, *path.split(), *words]


class NobodyTypes(Terminal):
    """A standard input that is no terminal, and that nobody may read from."""

    def isatty(self) -> bool:
        return False

    def read(self, *_: object) -> str:
        raise AssertionError("read from standard input")

    def readline(self, *_: object) -> str:  # type: ignore[override] # whatever is asked for
        raise AssertionError("read from standard input")


def called(argv: list[str], environ: dict[str, str], stdout: TextIO | None = None) -> Called:
    out, err = Terminal(), Terminal()
    # Not terminals: only what was written is kept.
    out.isatty = err.isatty = lambda: False  # type: ignore[method-assign]
    code = main(argv, environ=environ, stdin=NobodyTypes(), stdout=stdout or out, stderr=err)
    return Called(code, out.getvalue(), err.getvalue())
