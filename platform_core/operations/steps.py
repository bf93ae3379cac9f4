"""Steps at a provider: two transactions with the call between them, and how an unfinished one is finished."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from platform_core.clock import utc_now
from platform_core.db.session import Sessions
from platform_core.errors import (
    AgentadmError,
    Conflict,
    Interrupted,
    NotFound,
    ProviderFailed,
    ProviderUnreachable,
    Terminated,
    TryAgain,
)
from platform_core.operations.types import (
    Intent,
    IntentState,
    NewIntent,
    Outcome,
    ResumedIntent,
    WriteRequest,
)
from platform_core.services import Services

T = TypeVar("T")

# Stripe may forget idempotency keys after 24 hours, and clocks differ: past this a request is looked up, never sent.
KEY_LIFETIME = timedelta(hours=23)


class ProviderStep(Protocol):
    """One kind of request to a provider. `send` and `look_up` run with no transaction open."""

    name: str

    def send(self, intent: Intent) -> Mapping[str, Any]:
        """Send the request under the intent's own idempotency key; return the answer, without secrets.

        Raises:
            ProviderFailed: the provider said no.
            ProviderUnreachable: there is no answer; the intent stays unfinished.
        """
        ...

    def preview(self, intent: Intent) -> Mapping[str, Any]:
        """The answer that is to be expected, for a dry run; sends nothing."""
        ...

    def look_up(self, intent: Intent) -> Mapping[str, Any] | None:
        """The answer to an intent that may have been sent long ago, found by its metadata; None when it never was."""
        ...

    def settle(self, services: Services, intent: Intent, answer: Mapping[str, Any]) -> None:
        """Record the effects of the answer, in one transaction with the intent's new state."""
        ...

    def give_up(self, services: Services, intent: Intent) -> None:
        """Take back what was reserved, after the provider said no."""
        ...


STEPS: dict[str, ProviderStep] = {}


def take_step(
    sessions: Sessions,
    request: WriteRequest,
    step: ProviderStep,
    prepare: Callable[[Services], NewIntent],
    answer: Callable[[Services], T],
    result_type: Any,
) -> Outcome[T]:
    """Run an operation that asks something of a provider.

    Args:
        sessions: the write path.
        request: what is asked, by whom and why.
        step: how it is sent and settled.
        prepare: the first transaction: checks, reserves, and says what is to be sent.
        answer: reads the value of the command after the step was settled.
        result_type: of that value.

    Raises:
        TryAgain: another step about the same object is unfinished; it names the command that finishes it.
        ProviderFailed: the provider said no; the reservation was taken back.
    """
    intents: list[Intent] = []

    def begin(services: Services) -> T:
        intent = services.operations.begin_step(prepare(services))
        intents[:] = [intent]
        if request.dry_run:
            step.settle(services, intent, step.preview(intent))
        return answer(services)

    outcome = sessions.write(request, begin, result_type, goes_on=True)
    if outcome.replayed:
        return _replayed(sessions, outcome, answer)
    intent = intents[0]
    if outcome.dry_run:
        return Outcome(
            outcome.value,
            outcome.operation_id,
            dry_run=True,
            affected=outcome.affected,
            changes=outcome.changes,
            planned=(intent.request,),
        )
    values: list[T] = []

    def conclude(services: Services) -> None:
        values[:] = [answer(services)]
        if request.idempotency_key is not None:
            services.operations.keep_result(request.idempotency_key, values[0])

    finish(sessions, intent, step, conclude=conclude)
    return Outcome(values[0], outcome.operation_id, affected=outcome.affected)


def finish(
    sessions: Sessions,
    intent: Intent,
    step: ProviderStep,
    *,
    abandon: bool = False,
    conclude: Callable[[Services], None] | None = None,
) -> ResumedIntent:
    """Send what was written down, unless it was sent too long ago to repeat, and settle it.

    Args:
        sessions: the write path.
        intent: what was written down.
        step: how it is sent and settled.
        abandon: give up an intent that is too old to repeat and that the provider knows nothing of.
        conclude: what else belongs into the transaction that settles it.

    Raises:
        ProviderFailed: the provider said no; the intent is closed and the reservation taken back.
        ProviderUnreachable: there is no answer; the intent stays unfinished.
        Conflict: it is too old to repeat and the provider knows nothing of it.
        AgentadmError: the answer could not be recorded; the intent stays unfinished, and the hint names the way on.
    """
    known = str(intent.operation_id)

    def record(
        state: IntentState,
        answer: Mapping[str, Any] | None,
        message: str | None,
        effects: Callable[[Services, Intent], None],
    ) -> ResumedIntent:
        def settle(services: Services) -> ResumedIntent:
            now = services.operations.settle(intent.id, state, answer, message, effects)
            if conclude is not None:
                conclude(services)
            return ResumedIntent(intent.operation_id, intent.id, intent.step, now, message if now is state else None)

        return _recorded(sessions, intent, settle)

    sessions.wait_for_provider(intent.operation_id)
    try:
        answer = _ask(intent, step)
    except ProviderUnreachable as error:
        raise ProviderUnreachable(error.message, _resume_hint(intent), operation_id=known) from error
    except ProviderFailed as error:
        if (refused := record(IntentState.FAILED, None, error.message, step.give_up)).state is IntentState.DONE:
            return refused
        raise ProviderFailed(error.message, error.hint, operation_id=known) from error
    if answer is not None:
        return record(IntentState.DONE, answer, None, lambda services, locked: step.settle(services, locked, answer))
    if abandon:
        told = f"given up: too old to repeat, and unknown to {intent.provider}"
        return record(IntentState.FAILED, None, told, step.give_up)
    raise Conflict(
        f"step {intent.step} of operation {known} is too old to repeat and unknown to {intent.provider}: "
        "it is not sent again",
        f"give it up with: agentadm operations resume {known} --abandon",
        operation_id=known,
    )


def _recorded(sessions: Sessions, intent: Intent, settle: Callable[[Services], ResumedIntent]) -> ResumedIntent:
    """Settle a step; when that fails the message says that it is still open, and the hint how to go on."""
    try:
        return sessions.go_on(intent.operation_id, settle)
    except (Interrupted, Terminated):
        raise
    except AgentadmError as error:
        told = f"the answer of {intent.provider} is not recorded yet: {error.message}"
        raise type(error)(told, _resume_hint(intent), operation_id=str(intent.operation_id)) from error


def _resume_hint(intent: Intent) -> str:
    return f"finish it with: agentadm operations resume {intent.operation_id}"


def resume(
    sessions: Sessions, operation_id: UUID, *, abandon: bool = False, dry_run: bool = False
) -> tuple[ResumedIntent, ...]:
    """Finish the unfinished steps of an operation, each under its own idempotency key.

    Args:
        sessions: the write path.
        operation_id: whose steps.
        abandon: as in finish.
        dry_run: send nothing, and answer as if all had gone well.

    Raises:
        NotFound: the operation took no step at a provider.
        ProviderFailed, Conflict: as finish does.
    """
    intents = sessions.read(lambda services: services.operations.steps_of(operation_id))
    if not intents:
        raise NotFound(f"operation {operation_id} took no step at a provider", "agentadm operations list shows them")
    results = []
    for intent in intents:
        if intent.state is not IntentState.PENDING:
            results.append(ResumedIntent(operation_id, intent.id, intent.step, intent.state, intent.error))
            continue
        if dry_run:
            results.append(ResumedIntent(operation_id, intent.id, intent.step, IntentState.DONE, None))
            continue
        step = STEPS.get(intent.step)
        if step is None:
            raise AgentadmError(f"this version of the tool does not know the step {intent.step!r}", "upgrade agentadm")
        results.append(finish(sessions, intent, step, abandon=abandon))
    return tuple(results)


def _ask(intent: Intent, step: ProviderStep) -> Mapping[str, Any] | None:
    return step.send(intent) if utc_now() - intent.created_at < KEY_LIFETIME else step.look_up(intent)


def _replayed(sessions: Sessions, outcome: Outcome[T], answer: Callable[[Services], T]) -> Outcome[T]:
    """The first run's outcome, once its step is settled."""
    for intent in sessions.read(lambda services: services.operations.steps_of(outcome.operation_id)):
        if intent.state is IntentState.PENDING:
            raise TryAgain(
                f"operation {outcome.operation_id} under the same key is not finished",
                f"finish it with: agentadm operations resume {outcome.operation_id}",
                operation_id=str(outcome.operation_id),
            )
        if intent.state is IntentState.FAILED:
            raise ProviderFailed(intent.error or "the provider said no", operation_id=str(outcome.operation_id))
    # Nothing is stored when the operation was finished by `operations resume`, which does not know the command.
    value = sessions.read(answer) if outcome.value is None else outcome.value
    return Outcome(value, outcome.operation_id, replayed=True)
