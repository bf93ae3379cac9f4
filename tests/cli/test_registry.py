"""Every command is held to what it registered."""

import inspect
import shlex
import typing

import pytest
from typer.models import ArgumentInfo

from cli.main import NOUNS, TOP_LEVEL, all_commands, root
from cli.options import Reference
from cli.registry import CommandProperties, Noun, Risk, Undo
from platform_core.jobs.types import JOBS
from platform_core.masking import has_masks
from platform_core.services import Services
from tests.support import run

COMMANDS = {command.path: command for command in all_commands()}
every_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))


def test_the_table_of_nouns_is_what_the_modules_declare() -> None:
    declared = {path.split(" ", maxsplit=1)[0] for path in COMMANDS}
    assert declared == {*NOUNS, *TOP_LEVEL}
    for name, help_line in NOUNS.items():
        group = root().get_command(None, name)
        assert group.help == help_line
    for name, help_line in TOP_LEVEL.items():
        assert root().get_command(None, name).help == help_line


@every_command
def test_a_change_says_how_it_is_undone_and_a_read_does_not(command: CommandProperties) -> None:
    assert (command.undo is None) == (command.risk is Risk.READ)
    if command.undo is Undo.COMPENSATED:
        assert command.compensated_by in COMMANDS


@every_command
def test_a_read_whose_answer_has_masks_takes_reveal(command: CommandProperties) -> None:
    assert command.masks or command.risk is not Risk.READ or not has_masks(command.result)


READS = [path for path, command in COMMANDS.items() if command.risk is Risk.READ]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("option", [("--ticket", "T-1"), ("--expect", "0"), ("--reason", "x"), ("--error-unchanged",)])
def test_a_read_takes_no_option_of_changes(path: str, option: tuple[str, ...]) -> None:
    words = shlex.split(COMMANDS[path].example)[1:]
    for argv in ((*option, *words), (*words, *option)):
        done = run(argv, {"AGENTADM_CONFIG": "/nonexistent"})
        assert (done.code, done.out) == (2, ""), done.err
        assert f"{option[0]} is for commands that change something" in done.err


@every_command
def test_it_has_help_and_an_example_of_itself(command: CommandProperties) -> None:
    assert command.function.__doc__
    words = shlex.split(command.example)
    assert words[0] == "agentadm"
    assert " ".join(words[1:]).startswith(command.path)


# They look among the parts of something else, or in files.
FOUND_OTHERWISE = {"agents skills remove", "agents import"}
OF_SEVERAL = [
    (command.path, parameter.annotation.__metadata__[0].metavar)
    for command in COMMANDS.values()
    for parameter in inspect.signature(command.function).parameters.values()
    if typing.get_args(parameter.annotation)[:1] == (list[str],)
    and isinstance(parameter.annotation.__metadata__[0], ArgumentInfo)
    and command.risk is not Risk.READ
]


@pytest.mark.parametrize(("path", "metavar"), [each for each in OF_SEVERAL if each[0] not in FOUND_OTHERWISE])
def test_a_change_of_several_things_knows_what_finds_them(path: str, metavar: str) -> None:
    services = Services(typing.cast("typing.Any", None))
    assert callable(getattr(services, Reference.known[metavar].service).find)


@every_command
def test_it_is_five_to_fifteen_lines(command: CommandProperties) -> None:
    import ast
    import textwrap

    function = ast.parse(textwrap.dedent(inspect.getsource(command.function))).body[0]
    assert isinstance(function, ast.FunctionDef)
    body = [line for statement in function.body[1:] for line in ast.unparse(statement).splitlines()]
    assert 1 <= len(body) <= 15, f"{command.path}: {len(body)} lines"


def test_cron_commands_are_the_declared_jobs() -> None:
    assert {path for path, command in COMMANDS.items() if command.cron} == {job.command for job in JOBS}


def test_a_change_that_does_not_say_how_it_is_undone_cannot_be_declared() -> None:
    noun = Noun("things", "Things.")
    with pytest.raises(ValueError, match="things break"):
        noun.command("break", risk=Risk.SEVERE, example="agentadm things break")
    with pytest.raises(ValueError, match="things mend"):
        noun.command("mend", risk=Risk.MILD, undo=Undo.COMPENSATED, example="agentadm things mend")
