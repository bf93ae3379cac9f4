"""What a workflow consists of, as files have it: read, and checked before anything is written.

Fields that are not named here are kept as they are: other platforms have more.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from platform_core.errors import UsageError
from platform_core.near import did_you_mean
from platform_core.workflows.types import PARTS

FORM = 'for example: {"nodes": [{"id": "a", "type": "http"}], "connections": [{"source": "a", "target": "a"}]}'
NAMED_NODES = 10
# What the database cannot hold.
NO_TEXT = re.compile("[\0\ud800-\udfff]")
_PLACE = re.compile(r"(?P<told>.*?)(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)

Word = Annotated[str, msgspec.Meta(min_length=1)]


class Position(msgspec.Struct):
    """Where a node is drawn."""

    x: float
    y: float


class Node(msgspec.Struct):
    """A step."""

    id: Word
    type: Word
    name: str | None = None
    position: Position | None = None
    data: dict[str, Any] | None = None


class Connection(msgspec.Struct, rename="camel"):
    """Which step follows which."""

    source: Word
    target: Word
    source_handle: str | None = None
    target_handle: str | None = None


class Graph(msgspec.Struct, forbid_unknown_fields=True):
    """All of it."""

    nodes: list[Node]
    connections: list[Connection]
    settings: dict[str, Any]


def parsed(text: str) -> dict[str, Any]:
    """What a file names of nodes, connections and settings.

    Raises:
        UsageError: it is no JSON object, names none of them, or something else.
    """
    try:
        found = json.loads(text.removeprefix("\ufeff"), parse_constant=_no_number, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"that is not JSON: {error}", FORM) from None
    if not isinstance(found, dict):
        raise UsageError("a workflow is a JSON object", FORM)
    for name in found:
        if name not in PARTS:
            raise UsageError(f"{name!r} is nothing that a workflow has{did_you_mean(name, PARTS)}", FORM)
    if not found:
        raise UsageError(f"none of {', '.join(PARTS)} is named", FORM)
    return found


def checked(given: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """What is given of nodes, connections and settings, if together with what is there it is a workflow.

    Raises:
        UsageError: it is none; says where.
    """
    whole = {"nodes": [], "connections": [], "settings": {}, **there, **given}
    try:
        graph = msgspec.convert(whole, Graph)
    except msgspec.ValidationError as error:
        raise UsageError(_worded(str(error)), FORM) from None
    except RecursionError:
        raise UsageError("the workflow is nested too deeply") from None
    for place in _no_text(given, ""):
        raise UsageError(f"{place} holds what is no text: a NUL, or half of a character", "take it out")
    _refuse_twins(graph.nodes)
    _refuse_loose_ends(graph)
    return dict(given)


def _refuse_twins(nodes: list[Node]) -> None:
    places: dict[str, int] = {}
    for place, node in enumerate(nodes):
        if (first := places.setdefault(node.id, place)) != place:
            raise UsageError(f"nodes[{place}].id: {node.id!r} is the id of nodes[{first}], too", "ids are unique")


def _refuse_loose_ends(graph: Graph) -> None:
    known = [node.id for node in graph.nodes]
    ids = set(known)
    for place, connection in enumerate(graph.connections):
        for end in ("source", "target"):
            if (name := getattr(connection, end)) not in ids:
                more, meant = ", ..." if len(known) > NAMED_NODES else "", did_you_mean(name, known)
                raise UsageError(
                    f"connections[{place}].{end} names the node {name!r}, which is not there{meant}",
                    f"known: {', '.join(known[:NAMED_NODES])}{more}" if known else "there are no nodes",
                )


def _worded(told: str) -> str:
    """What msgspec says, with the place first: nodes[3].id."""
    found = _PLACE.fullmatch(told)
    if found is None or not found["place"]:
        return told.replace("`", "")
    return f"{found['place']}: {found['told'].replace('`', '')}"


def _no_text(value: Any, place: str) -> Iterator[str]:
    """Where there is text that the database cannot hold."""
    if isinstance(value, str):
        if NO_TEXT.search(value):
            yield place
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _no_text(part, f"{place}[{number}]")
    elif isinstance(value, dict):
        for name, part in value.items():
            here = f"{place}.{name}" if place else name
            yield from _no_text(name, f"a name in {place or 'the file'}")
            yield from _no_text(part, here)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _number(word: str) -> float:
    found = float(word)
    if not math.isfinite(found):
        raise ValueError(f"{word} is too large a number")
    return found
