"""Every command as a login of every operators' role: it works, or the refusal names the role that it needs."""

from collections.abc import Iterator

import pytest

from cli.main import all_commands
from cli.registry import CommandProperties, Operator, Risk
from platform_core.errors import ExitCode
from tests.agents_support import TABLES
from tests.cli.world import World, called
from tests.support import Cluster, Database, run

COMMANDS = {command.path: command for command in all_commands()}
# command -> why a database's role does not matter to it
ELSEWHERE = {
    "completion": "prints a script",
    "config path": "reads the environment",
    "config profiles": "reads the configuration file",
    "config set": "writes the configuration file",
    "config show": "reads the environment",
    "db crontab": "prints a sample",
    "db restore": "loads into a database without a schema: only who may make one gets as far",
    "db shell": "psql has the login's own rights",
    "db stop": "stops an embedded server, whatever the login",
    "demo": "makes a server of its own",
    "help": "prints a text",
    "operations resume": "needs a provider: tests/operations/test_steps.py",
    "version": "prints numbers",
}
# What makes a command have something to do, and so something to be refused.
PREPARED = {
    "db init": "DROP SCHEMA agentadm CASCADE",
    "db seed": "; ".join(f"DELETE FROM agentadm.{table}" for table in TABLES),
    "db upgrade": "UPDATE agentadm.alembic_version SET version_num = '0002'",
}
# What the doctor cannot look at, it names; else everything that is permitted is also done.
ENDS_WITH = {"db doctor": ExitCode.DIFFERS}
GIVEN = {"db downgrade": ["0002"], "db roles revoke": ["leaver_{template}"]}


@pytest.fixture(scope="session")
def logins(cluster: Cluster, template: Database) -> dict[Operator, str]:
    """A login in each of the operators' roles. Roles are the cluster's; the record of it stays in a clone."""
    clone = cluster.database(template.name)
    names = {operator: make_login(clone, template, str(operator)) for operator in Operator}
    make_login(clone, template, "leaver", Operator.SUPPORT)
    cluster.drop(clone)
    return names


def make_login(database: Database, template: Database, name: str, group: str | None = None) -> str:
    login = f"{name}_{template.name}"
    done = run(["db", "roles", "create", login, "--group", group or name, "--yes"], database.environ)
    assert done.code == 0, done.err
    return login


@pytest.fixture
def each_world(cluster: Cluster, settled: tuple[Database, str], world: World) -> Iterator[Iterator[World]]:
    """A company for each operator."""
    made: list[Database] = []

    def worlds() -> Iterator[World]:
        while True:
            made.append(cluster.database(settled[0].name))
            yield World(made[-1], world.folder, world.operation)

    yield worlds()
    for database in made:
        cluster.drop(database)


@pytest.mark.parametrize("path", [path for path in COMMANDS if path not in ELSEWHERE])
def test_a_role_may_do_what_the_command_says_and_nothing_else(
    path: str, each_world: Iterator[World], logins: dict[Operator, str], template: Database
) -> None:
    command = COMMANDS[path]
    world = next(each_world)
    if path in PREPARED:
        world.database.execute(PREPARED[path])
    arguments = [word.format(template=template.name) for word in GIVEN[path]] if path in GIVEN else None
    for operator in Operator:
        environ = {**world.environ, "AGENTADM_DATABASE_URL": world.database.url_as(logins[operator])}
        done = called(world.argv(path, arguments), environ)
        if operator in command.operators:
            assert done.code == ENDS_WITH.get(path, ExitCode.DONE), f"{operator}: {done.err}"
            if command.risk is not Risk.READ:
                world = next(each_world)
        else:
            assert done.code == ExitCode.NOT_PERMITTED, f"{operator} was not refused: {done.code} {done.err}"
            assert done.out == ""
            assert needs(command) in done.err


def needs(command: CommandProperties) -> str:
    """What a refusal says."""
    roles = [f"agentadm_{operator}" for operator in Operator if operator in command.operators]
    return f"{command.path} needs the role {' or '.join(roles)}" if roles else f"{command.path} needs the owner"
