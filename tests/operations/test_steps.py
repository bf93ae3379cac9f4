"""Steps at a provider: whatever ends the process and wherever, one effect, one settled intent, and the truth told."""

import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cli import main as command_line
from platform_core.errors import ProviderFailed
from platform_core.operations import steps
from platform_core.operations.steps import finish as finish_step
from platform_core.platform import Platform
from tests.operations import fake_provider
from tests.operations.fake_provider import STOPS, ChargeStep, Provider
from tests.operations.processes import finish, start, wait_until
from tests.support import Database, Result, run

CHARGE = ("charges", "create", "x@example.com", "-o", "json")
INTENTS = "SELECT state, operation_id::text, error, answer ->> 'receipt' FROM agentadm.provider_intents ORDER BY id"
METADATA = "SELECT metadata FROM agentadm.users"


@dataclass(frozen=True)
class World:
    """A database with one user, and a provider."""

    database: Database
    provider: Provider
    environ: Mapping[str, str]

    def run(self, *argv: str) -> Result:
        """A command line in this process."""
        return run(argv, self.environ)

    def process(self, *argv: str, **environ: str) -> Any:
        """A command line in a process of its own."""
        return start(*argv, environ={**self.environ, **environ}, module="tests.operations.with_fake_provider")

    def intents(self) -> list[tuple[Any, ...]]:
        return self.database.rows(INTENTS)

    @property
    def operation(self) -> str:
        """The only operation that took a step."""
        ((_, operation, _, _),) = self.intents()
        return str(operation)

    def resume(self, *argv: str) -> Result:
        return self.run("operations", "resume", self.operation, "--yes", "-o", "json", *argv)


@pytest.fixture
def world(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    folder = tmp_path / "provider"
    folder.mkdir()
    monkeypatch.setitem(command_line.NOUNS, "charges", "Charges.")
    monkeypatch.setitem(sys.modules, "cli.charges", fake_provider.module())
    monkeypatch.setitem(steps.STEPS, ChargeStep.name, ChargeStep())
    monkeypatch.setenv("FAKE_PROVIDER", str(folder))
    environ = {**database.environ, "FAKE_PROVIDER": str(folder)}
    assert run(["users", "create", "x@example.com"], environ).code == 0
    return World(database, Provider(folder), environ)


def check_done(world: World, receipt: str = "re_1") -> None:
    """One effect, one settled intent, and nobody's audit forged."""
    assert [effect["receipt"] for effect in world.provider.effects] == [receipt]
    ((state, operation, error, answer),) = world.intents()
    assert (state, error, answer) == ("done", None, receipt)
    assert world.database.value(METADATA) == {"reserved": 0, "charged": 500, "receipt": receipt}
    shown = world.run("audit", "show", operation, "-o", "json").json
    assert shown["command"] == "charges create"
    touched = {(change["table"], change["action"]) for change in shown["changes"]}
    assert touched == {("users", "update"), ("provider_intents", "insert"), ("provider_intents", "update")}
    assert not any(change["forged"] for change in shown["changes"])
    assert world.run("audit", "verify").code == 0
    assert world.run("operations", "list", "-o", "json").json == []


def test_a_charge(world: World) -> None:
    done = world.run(*CHARGE)
    assert done.code == 0
    assert done.json == {"user": "x@example.com", "reserved": 0, "charged": 500, "receipt": "re_1"}
    check_done(world)
    assert len(world.provider.requests) == 1
    assert world.resume().json[0]["state"] == "done"
    assert len(world.provider.requests) == 1


@pytest.mark.parametrize("place", STOPS)
def test_a_process_killed_anywhere_is_resumed(world: World, place: str) -> None:
    killed = finish(world.process(*CHARGE, "--idempotency-key", "K", FAKE_STOP=place))
    assert (killed.code, killed.out) == (-signal.SIGKILL, "")
    if place != "after_t2":
        listed = world.run("operations", "list", "-o", "json").json
        assert [(item["operation_id"], item["state"]) for item in listed] == [(world.operation, "pending")]
        # Nobody else gets at it, and everybody is told the way on.
        for argv in (CHARGE, (*CHARGE, "--idempotency-key", "K"), (*CHARGE, "--dry-run")):
            refused = world.run(*argv)
            assert refused.code == 75
            assert f"agentadm operations resume {world.operation}" in refused.err
            assert world.operation in refused.err
        resumed = world.resume()
        assert resumed.code == 0, resumed.err
        assert [(step["state"], step["error"]) for step in resumed.json] == [("done", None)]
    check_done(world)
    replayed = world.run(*CHARGE, "--idempotency-key", "K")
    assert (replayed.code, "replayed" in replayed.err) == (0, True)
    assert replayed.json == {"user": "x@example.com", "reserved": 0, "charged": 500, "receipt": "re_1"}
    assert len(world.provider.effects) == 1


def test_the_replay_of_a_charge_answers_as_the_first_did(world: World) -> None:
    first = world.run(*CHARGE, "--idempotency-key", "K")
    world.database.execute("UPDATE agentadm.users SET metadata = '{}'")
    again = world.run(*CHARGE, "--idempotency-key", "K")
    assert (again.code, again.out) == (0, first.out)
    assert len(world.provider.requests) == 1
    assert world.run(*CHARGE, "--idempotency-key", "K", "--tip", "0").code == 6


def test_the_provider_says_no(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MOOD", "refuses")
    refused = world.run("charges", "create", "x@example.com", "--idempotency-key", "K")
    assert (refused.code, refused.out) == (10, "")
    assert "error: fake says: card declined" in refused.err
    assert world.intents() == [("failed", world.operation, "fake says: card declined", None)]
    assert world.database.value(METADATA) == {"reserved": 0}
    assert world.provider.effects == []
    # The key is the refusal's; without it the object is free again.
    again = world.run("charges", "create", "x@example.com", "--idempotency-key", "K")
    assert (again.code, "card declined" in again.err) == (10, True)
    assert world.resume().json[0]["error"] == "fake says: card declined"
    monkeypatch.setenv("FAKE_MOOD", "")
    assert world.run(*CHARGE).json["receipt"] == "re_1"


@pytest.mark.parametrize("mood", ["unreachable", "silent"])
def test_the_provider_does_not_answer(world: World, monkeypatch: pytest.MonkeyPatch, mood: str) -> None:
    monkeypatch.setenv("FAKE_MOOD", mood)
    lost = world.run("charges", "create", "x@example.com")
    assert lost.code == 10
    assert "error: fake does not answer" in lost.err
    assert f"hint: finish it with: agentadm operations resume {world.operation}" in lost.err
    assert world.resume().code == 10
    assert world.intents() == [("pending", world.operation, None, None)]
    assert world.database.value(METADATA) == {"reserved": 500}
    monkeypatch.setenv("FAKE_MOOD", "")
    assert world.resume().code == 0
    check_done(world)


@pytest.mark.parametrize("mood", ["unreachable", "silent"])
def test_an_old_intent_is_looked_up_and_never_sent(world: World, monkeypatch: pytest.MonkeyPatch, mood: str) -> None:
    monkeypatch.setenv("FAKE_MOOD", mood)
    assert world.run(*CHARGE).code == 10
    world.database.execute("UPDATE agentadm.provider_intents SET created_at = created_at - interval '25 hours'")
    monkeypatch.setenv("FAKE_MOOD", "")
    sent = len(world.provider.requests)
    resumed = world.resume()
    assert len(world.provider.requests) == sent
    if mood == "silent":
        assert resumed.code == 0
        check_done_of_old(world)
        return
    assert resumed.code == 6
    assert "it is not sent again" in resumed.err
    assert f"agentadm operations resume {world.operation} --abandon" in resumed.err
    assert world.intents() == [("pending", world.operation, None, None)]
    given_up = world.resume("--abandon")
    assert (given_up.code, given_up.json[0]["state"]) == (0, "failed")
    assert world.intents()[0][0] == "failed"
    assert world.database.value(METADATA) == {"reserved": 0}
    assert (len(world.provider.requests), world.provider.effects) == (sent, [])


def check_done_of_old(world: World) -> None:
    assert world.intents() == [("done", world.operation, None, "re_1")]
    assert world.database.value(METADATA)["charged"] == 500
    assert len(world.provider.effects) == 1


def test_a_young_intent_is_not_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MOOD", "unreachable")
    assert world.run(*CHARGE).code == 10
    assert world.resume("--abandon").code == 10
    assert world.intents() == [("pending", world.operation, None, None)]


def test_a_fake_clock_makes_no_intent_old(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MOOD", "silent")
    past = World(world.database, world.provider, {**world.environ, "AGENTADM_CLOCK": "2020-01-31T00:00:00Z"})
    assert past.run(*CHARGE).code == 10
    monkeypatch.setenv("FAKE_MOOD", "")
    assert world.resume().code == 0
    assert len(world.provider.requests) == 2
    assert len(world.provider.effects) == 1


def test_a_dry_run_sends_nothing_and_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = world.database.mark()
    tried = world.run(*CHARGE, "--dry-run", "--idempotency-key", "K")
    assert tried.code == 0
    assert tried.json == {"user": "x@example.com", "reserved": 0, "charged": 500, "receipt": None}
    assert 'would send: {"email": "x@example.com", "amount": 500}' in tried.err
    assert world.provider.requests == []
    assert world.database.written_since(mark) == []
    monkeypatch.setenv("FAKE_MOOD", "unreachable")
    assert world.run(*CHARGE).code == 10
    monkeypatch.setenv("FAKE_MOOD", "")
    mark = world.database.mark()
    tried = world.resume("--dry-run")
    assert (tried.code, tried.json[0]["state"]) == (0, "done")
    assert "would send: fake.charge" in tried.err
    assert world.provider.requests == []
    assert world.database.written_since(mark) == []


def test_two_resumes_at_once_have_one_effect(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MOOD", "unreachable")
    assert world.run(*CHARGE).code == 10
    argv = ("operations", "resume", world.operation, "--yes", "-o", "json")
    results = [finish(process) for process in [world.process(*argv, FAKE_MOOD="slow") for _ in range(4)]]
    assert [(result.code, result.json[0]["state"]) for result in results] == [(0, "done")] * 4
    check_done(world)


def test_two_charges_at_once(world: World) -> None:
    processes = [world.process(*CHARGE, FAKE_MOOD="slow") for _ in range(4)]
    results = [finish(process) for process in processes]
    codes = sorted(result.code for result in results)
    assert set(codes) <= {0, 75}
    assert codes[0] == 0
    for result in results:
        if result.code == 75:
            assert re.search("finish it with: agentadm operations resume|try again", result.err)
    assert len(world.provider.effects) == codes.count(0)
    assert {intent[0] for intent in world.intents()} == {"done"}


def test_who_is_late_reports_how_it_was_settled(world: World, platform: Platform) -> None:
    done = world.run(*CHARGE)
    assert done.code == 0
    intent = platform.read(lambda services: services.operations.steps_of(UUID(world.operation)))[0]

    class Refusing(ChargeStep):
        def send(self, intent: Any) -> Mapping[str, Any]:  # noqa: ARG002 - the protocol's
            raise ProviderFailed("too late")

    assert finish_step(platform.sessions, intent, Refusing()).state == "done"
    check_done(world)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_call(world: World, sent: signal.Signals, code: int) -> None:
    process = world.process("charges", "create", "x@example.com", FAKE_MOOD="hangs")
    wait_until((world.provider.folder / "hanging").exists, "the call")
    process.send_signal(sent)
    ended = finish(process)
    assert (ended.code, ended.out) == (code, "")
    assert f"operation {world.operation} is not finished" in ended.err
    assert f"hint: finish it with: agentadm operations resume {world.operation}" in ended.err
    assert world.resume().code == 0
    check_done(world)


def test_an_answer_that_cannot_be_recorded(world: World) -> None:
    world.database.execute(
        """
        CREATE FUNCTION agentadm.test_away() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$
        """
    )
    world.database.execute(
        "CREATE CONSTRAINT TRIGGER test_away AFTER UPDATE ON agentadm.provider_intents DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION agentadm.test_away()"
    )
    lost = world.run("charges", "create", "x@example.com")
    assert lost.code == 75
    assert "the answer of fake is not recorded yet: the connection was lost at COMMIT" in lost.err
    assert f"hint: finish it with: agentadm operations resume {world.operation}" in lost.err
    world.database.execute("DROP TRIGGER test_away ON agentadm.provider_intents")
    assert world.resume().code == 0
    check_done(world)


def test_an_operation_without_steps(world: World) -> None:
    unknown = world.run("operations", "resume", "01930000-0000-7000-8000-000000000000", "--yes")
    assert unknown.code == 5
    assert "took no step at a provider" in unknown.err
