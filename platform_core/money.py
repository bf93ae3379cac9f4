"""Money: integers in minor units with an ISO 4217 currency. No floats."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from platform_core.errors import UsageError
from platform_core.near import did_you_mean

# What bigint holds.
AMOUNT_BELOW = 2**63
# Of what people write: no exponents, no separators, no digits of other scripts; and no more than anybody means.
_DECIMAL = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")


@dataclass(frozen=True)
class Money:
    """An amount.

    Args:
        amount: in minor units: cents, yen.
        currency: ISO 4217 code.
    """

    amount: int
    currency: str


@cache
def _currencies() -> frozenset[str]:
    from iso4217 import Currency

    return frozenset(currency.value.upper() for currency in Currency)


def is_currency(code: object) -> bool:
    """Whether this is a currency's ISO 4217 code, in capitals."""
    return isinstance(code, str) and code in _currencies()


def checked_currency(code: str) -> str:
    """A currency's ISO 4217 code, in capitals.

    Raises:
        UsageError: there is none such.
    """
    known = _currencies()
    if (found := code.upper()) not in known:
        raise UsageError(f"no currency {code!r}{did_you_mean(found, known)}", "give its ISO 4217 code, such as USD")
    return found


def exponent(currency: str) -> int:
    """How many decimals a currency has: 2 of USD, 0 of JPY, 3 of KWD; 0 where ISO 4217 says none."""
    from iso4217 import Currency

    return Currency(currency).exponent or 0


def plain_decimal(text: str) -> Decimal | None:
    """A number as people write it, digits and a point, at least 0; None for anything else that Python reads as one."""
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def parse_amount(text: str, currency: str) -> int:
    """Minor units of an amount as people write it: 29.99.

    Args:
        text: decimal, at least 0.
        currency: ISO 4217 code.

    Raises:
        UsageError: it is no amount, or has more decimals than the currency.
    """
    places = exponent(currency)
    if plain_decimal(text) is None:
        raise UsageError(f"{text!r} is no amount", "digits and a point, at least 0, for example: 29.99")
    whole, _, decimals = text.partition(".")
    if decimals[places:].strip("0"):
        raise UsageError(f"{text!r} has more decimals than {currency}, which has {places}", "give it without them")
    minor = int(whole + decimals[:places].ljust(places, "0"))
    if minor >= AMOUNT_BELOW:
        raise UsageError(f"{text!r} is no amount of {currency}: it is too much", "no amount has more than 18 digits")
    return minor


def written(money: Money) -> str:
    """An amount for people: 29.99 USD."""
    places = exponent(money.currency)
    return f"{Decimal(money.amount).scaleb(-places):.{places}f} {money.currency}"
