"""agentadm models: models that agents and conversations may use."""

from typing import Annotated, Any

import typer

from cli.changes import changes, clear_option, json_object
from cli.context import Context
from cli.options import DEFAULT_LIMIT, All, Limit, ModelRefs, Since, Until, Where, sort_option
from cli.output import Listing
from cli.registry import ADMIN, STAFF, Noun, Risk, Undo
from platform_core.bulk.types import ItemResult, ItemValue
from platform_core.listing.types import ListRequest
from platform_core.models.types import CLEARABLE, MODEL_SORTS, Model, ModelSummary, NewModel

noun = Noun("models", "Models that agents and conversations may use.")

KEY_OPTION = "--api-key-stdin"
ModelId = Annotated[str | None, typer.Option(help="What the provider calls it.")]
Config = Annotated[
    dict[str, Any] | None, typer.Option(parser=json_object, metavar="JSON", help="Its settings; no secrets.")
]
KeyStdin = Annotated[
    bool, typer.Option(KEY_OPTION, help="Read the key at the provider from standard input, or ask for it.")
]
Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it can be chosen.")]


@noun.command("list", example="agentadm models list --provider gemini --active")
def list_models(
    ctx: Context,
    provider: Annotated[str | None, typer.Option(help="Only this provider's.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Only those that can be chosen, or cannot.")
    ] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    sort: Annotated[str | None, sort_option(MODEL_SORTS)] = None,
    limit: Limit = DEFAULT_LIMIT,
    all_: All = False,
) -> Listing[ModelSummary]:
    """List models, by name. --since and --until look at created_at."""
    request = ListRequest(where or (), sort, since, until, None if all_ else limit)
    return ctx.listed(request, lambda services: services.models.list(request, provider=provider, active=active))


@noun.command("show", operators=STAFF, example="agentadm models show 'Gemini 1.5 Flash'")
def show(ctx: Context, model: ModelRefs) -> tuple[ItemValue, ...] | Model:
    """Show a model whole, but for its key; of several, each with its result."""
    return ctx.read_each(model, lambda services, reference: services.models.show(reference))


@noun.command(
    "create",
    risk=Risk.MILD,
    undo=Undo.REVERSIBLE,
    operators=ADMIN,
    example="agentadm models create 'GPT-4o mini' --provider openai --model-id gpt-4o-mini"
    " --config '{\"temperature\": 0.7}'",
)
def create(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="For people, unique whatever its case.")],
    provider: Annotated[str, typer.Option(help="gemini, groq, openai, anthropic, custom, ...")],
    model_id: Annotated[str, typer.Option(help="What the provider calls it.")],
    config: Config = None,
    api_key_stdin: KeyStdin = False,
    active: Active = None,
) -> Model:
    """Create a model."""
    given = _key(ctx, wanted=api_key_stdin)
    new = NewModel(name, provider, model_id, config, given.get("api_key"), active is not False)
    return ctx.write(lambda services: services.models.create(new), inputs=given)


@noun.command(
    "update",
    risk=Risk.MODERATE,
    undo=Undo.REVERSIBLE,
    operators=ADMIN,
    example="agentadm models update 'Gemini 1.5 Flash' --inactive --yes",
)
def update(
    ctx: Context,
    model: ModelRefs,
    name: Annotated[str | None, typer.Option(help="For people, unique whatever its case.")] = None,
    provider: Annotated[str | None, typer.Option(help="Who offers it.")] = None,
    model_id: ModelId = None,
    config: Config = None,
    api_key_stdin: KeyStdin = False,
    active: Active = None,
    clear: Annotated[list[str] | None, clear_option(CLEARABLE)] = None,
) -> tuple[ItemResult, ...] | Model:
    """Change models; a configuration replaces the one that is there.

    A key that was replaced or cleared is kept nowhere: that cannot be undone.
    """
    key = _key(ctx, model, wanted=api_key_stdin)
    given = {"name": name, "provider": provider, "model_id": model_id, "config": config, "is_active": active, **key}
    values = changes(given, clear, CLEARABLE)
    return ctx.write_each(model, lambda services, reference: services.models.update(reference, values), inputs=key)


@noun.command(
    "delete",
    risk=Risk.SEVERE,
    undo=Undo.IRREVERSIBLE,
    operators=ADMIN,
    example="agentadm models delete 'Llama 3 70B' --confirm demo",
)
def delete(ctx: Context, model: ModelRefs) -> tuple[ItemResult, ...] | Model:
    """Delete models for good, with their keys, which are kept nowhere else: that cannot be undone.

    update --inactive keeps models from being chosen, and keeps their keys.
    """
    return ctx.write_each(model, lambda services, reference: services.models.delete(reference))


def _key(ctx: Context, references: list[str] | None = None, *, wanted: bool) -> dict[str, str]:
    """The key that is given, which makes two calls differ, and goes on no record."""
    if not wanted:
        return {}
    from cli.secret_input import secret_text

    return {"api_key": secret_text(ctx, "key at the provider", KEY_OPTION, references or ())}
