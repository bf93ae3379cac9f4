"""How staged texts are read in SQL: what makes them wrong, and how they become values. Texts only, no statements."""

from collections.abc import Iterator, Sequence

from platform_core.importing.types import Field, Kind

RANGE = "s.line BETWEEN :first AND :last"
UUID = "^[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}$"
# As the rules of the schema have it.
EMAIL = r"^[^@\s[\:cntrl\:]]+@[^@\s[\:cntrl\:]]+\.[^@\s[\:cntrl\:]]+$"
NAME = r"^[^@\s[\:cntrl\:]]+$"
DAY = "^([1-9]|[12][0-9]|3[01])$"
AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,6})?$"
BOOLEANS = ("true", "false", "yes", "no", "t", "f", "1", "0")
# What a value must look like, and what is said of one that does not.
SHAPES = {
    Kind.ID: (UUID, "is not a UUID"),
    Kind.EMAIL: (EMAIL, "is not an address"),
    Kind.NAME: (NAME, "is empty, or holds @, spaces or control characters"),
    Kind.DAY: (DAY, "is not a day from 1 to 31"),
    Kind.AMOUNT: (AMOUNT, "is not an amount from 0, with 12 digits and 6 decimals at most"),
}
CASTS = {
    Kind.BOOLEAN: "boolean",
    Kind.DAY: "smallint",
    Kind.AMOUNT: "numeric",
    Kind.TIME: "timestamptz",
    Kind.JSON: "jsonb",
    Kind.ID: "uuid",
}


def value_of(field: Field) -> str:
    """A staged value as its column takes it; NULL where none was given."""
    return f"s.{field.name}::{CASTS[field.kind]}" if field.kind in CASTS else f"s.{field.name}"


def reasons(fields: Sequence[Field]) -> Iterator[str]:
    """Why a staged record is bad, by itself: texts, or NULL."""
    yield "s.problem"
    for field in fields:
        name = field.name
        if field.kind in SHAPES:
            shape, told = SHAPES[field.kind]
            yield f"CASE WHEN s.{name} !~ '{shape}' THEN '{name}: {told}' END"
        if field.kind is Kind.BOOLEAN:
            yield f"CASE WHEN lower(s.{name}) NOT IN {BOOLEANS} THEN '{name}: is none of true, false, yes, no' END"
        if field.words:
            words = ", ".join(f"'{word}'" for word in field.words)
            told = f"{name}: is none of {', '.join(field.words)}"
            yield f"CASE WHEN s.{name} NOT IN ({words}) THEN '{told}' END"
        if field.longest is not None:
            told = f"{name}: has more than {field.longest} characters"
            yield f"CASE WHEN char_length(s.{name}) > {field.longest} THEN '{told}' END"
