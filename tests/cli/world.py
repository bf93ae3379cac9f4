"""A small company, and what every command is called with there: for the tests that walk the registry."""

from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cli.main import main
from platform_core.db.version import SCHEMA_VERSION
from tests.support import Database, Terminal

FILES = Path(__file__).parents[1] / "users" / "files"
# What a command is called with. {operation} is one that there is, {folder} a new folder, {name} a new role's name.
ARGUMENTS: dict[str, list[str]] = {
    "audit show": ["{operation}"],
    "audit undo": ["{operation}"],
    "completion": ["bash"],
    "crews create": ["Typesetters", "--project", "Numbers"],
    "crews delete": ["Reviewers"],
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
    "operations resume": ["{operation}"],
    "operations show": ["{operation}"],
    "projects create": ["Weaving", "--user", "bob@example.com"],
    "projects delete": ["Numbers"],
    "projects show": ["Numbers"],
    "projects update": ["Numbers", "--description", "Note G"],
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
    "users update": ["bob@example.com", "--full-name", "Bob"],
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
