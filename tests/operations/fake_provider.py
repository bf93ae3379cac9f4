"""A payment provider of our own, the step that asks it, and the command that takes the step.

The environment steers it: FAKE_PROVIDER names its folder, FAKE_STOP where the process kills itself, FAKE_MOOD what the
provider says.
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from sqlalchemy import event

from cli import main as command_line
from cli.context import Context
from cli.options import UserRef
from cli.registry import Noun, Risk, Undo
from platform_core.errors import ProviderFailed, ProviderUnreachable
from platform_core.operations import steps
from platform_core.operations.types import Intent, NewIntent
from platform_core.services import Services

# Where a process may be killed, in the order of its life.
STOPS = ("after_t1", "before_effect", "after_effect", "after_call", "settling", "committing_t2", "after_t2")
SET_METADATA = "UPDATE agentadm.users SET metadata = metadata || %s::jsonb WHERE id = %s::uuid"


@dataclass(frozen=True)
class Charge:
    """What the command answers."""

    user: str
    reserved: int
    charged: int
    receipt: str | None


def stop(place: str) -> None:
    """Kill this process without a word when it is told to end here."""
    if os.environ.get("FAKE_STOP") == place:
        os.kill(os.getpid(), signal.SIGKILL)


class Provider:
    """Remembers idempotency keys: a repeated request has one effect and the same answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Every request that came in, repeated ones too."""
        return self._lines("requests")

    @property
    def effects(self) -> list[dict[str, Any]]:
        """What was really done."""
        return self._lines("effects")

    def charge(self, key: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One request. Returns the receipt."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with (self.folder / "requests").open("a") as log:
                log.write(json.dumps({"key": key, **request}) + "\n")
            known = next((effect for effect in self.effects if effect["key"] == key), None)
            if known is None:
                known = {"key": key, "receipt": f"re_{len(self.effects) + 1}", **request}
                with (self.folder / "effects").open("a") as log:
                    log.write(json.dumps(known) + "\n")
        return known


class ChargeStep:
    """Charges a user. The amount is reserved in the user's metadata until the provider has answered."""

    name = "fake.charge"

    @property
    def provider(self) -> Provider:
        return Provider(Path(os.environ["FAKE_PROVIDER"]))

    def send(self, intent: Intent) -> Mapping[str, Any]:
        stop("after_t1")
        mood = os.environ.get("FAKE_MOOD", "")
        if mood == "slow":
            time.sleep(0.5)
        if mood == "unreachable":
            raise ProviderUnreachable("fake does not answer")
        if mood == "refuses":
            raise ProviderFailed("fake says: card declined")
        stop("before_effect")
        answer = self.provider.charge(intent.provider_key, intent.request)
        stop("after_effect")
        if mood == "silent":
            raise ProviderUnreachable("fake does not answer")
        if mood == "hangs":
            (self.provider.folder / "hanging").touch()
            time.sleep(60)
        return {"receipt": answer["receipt"]}

    def preview(self, intent: Intent) -> Mapping[str, Any]:  # noqa: ARG002 - the protocol's
        return {"receipt": None}

    def look_up(self, intent: Intent) -> Mapping[str, Any] | None:
        effects = self.provider.effects
        return next(({"receipt": e["receipt"]} for e in effects if e["key"] == intent.provider_key), None)

    def settle(self, services: Services, intent: Intent, answer: Mapping[str, Any]) -> None:
        stop("after_call")
        self._book(services, intent, {"reserved": 0, "charged": intent.amount, "receipt": answer["receipt"]})
        assert services.operation == intent.operation_id
        stop("settling")
        if os.environ.get("FAKE_STOP") == "committing_t2":
            event.listen(services.connection, "commit", lambda _: stop("committing_t2"))

    def give_up(self, services: Services, intent: Intent) -> None:
        self._book(services, intent, {"reserved": 0})

    @staticmethod
    def _book(services: Services, intent: Intent, what: Mapping[str, Any]) -> None:
        services.connection.exec_driver_sql(SET_METADATA, (json.dumps(dict(what)), intent.object_id))


noun = Noun("charges", "Charges at a provider that is not real.")


@noun.command("create", risk=Risk.MILD, undo=Undo.IRREVERSIBLE, provider=True, example="agentadm charges create x")
def create(
    ctx: Context,
    user: UserRef,
    amount: Annotated[int, typer.Option(help="Minor units.")] = 500,
    tip: Annotated[int | None, typer.Option(help="Minor units.")] = None,
) -> Charge:
    """Charge a user."""

    def prepare(services: Services) -> NewIntent:
        found = services.users.show(user)
        services.connection.exec_driver_sql(SET_METADATA, (json.dumps({"reserved": amount}), str(found.id)))
        request = {"amount": amount + (tip or 0), "email": found.email}
        return NewIntent("fake.charge", "fake", "users", str(found.id), request, amount, "USD")

    def answer(services: Services) -> Charge:
        found = services.users.show(user)
        held = found.metadata
        return Charge(user, held.get("reserved", 0), held.get("charged", 0), held.get("receipt"))

    _ = ctx.platform.mark
    outcome = steps.take_step(ctx.platform.sessions, ctx.request(), ChargeStep(), prepare, answer, Charge)
    stop("after_t2")
    ctx._report(outcome)
    return outcome.value


def module() -> ModuleType:
    """What `import cli.charges` finds."""
    made = ModuleType("cli.charges")
    made.noun = noun  # type: ignore[attr-defined]
    return made


def register() -> None:
    """Make the noun and the step known, for the life of this process."""
    command_line.NOUNS["charges"] = "Charges at a provider that is not real."
    sys.modules["cli.charges"] = module()
    steps.STEPS[ChargeStep.name] = ChargeStep()
