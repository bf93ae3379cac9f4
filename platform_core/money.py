"""Money: integers in minor units with an ISO 4217 currency. No floats."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from platform_core.errors import UsageError
from platform_core.near import did_you_mean

# What bigint holds.
AMOUNT_BELOW = 2**63


@dataclass(frozen=True)
class Money:
    """An amount.

    Args:
        amount: in minor units: cents, yen.
        currency: ISO 4217 code.
    """

    amount: int
    currency: str


def checked_currency(code: str) -> str:
    """A currency's ISO 4217 code, in capitals.

    Raises:
        UsageError: there is none such.
    """
    from iso4217 import Currency

    known = {currency.value.upper() for currency in Currency}
    if (found := code.upper()) not in known:
        raise UsageError(f"no currency {code!r}{did_you_mean(found, known)}", "give its ISO 4217 code, such as USD")
    return found


def exponent(currency: str) -> int:
    """How many decimals a currency has: 2 of USD, 0 of JPY, 3 of KWD; 0 where ISO 4217 says none."""
    from iso4217 import Currency

    return Currency(currency).exponent or 0


def parse_amount(text: str, currency: str) -> int:
    """Minor units of an amount as people write it: 29.99.

    Args:
        text: decimal, at least 0.
        currency: ISO 4217 code.

    Raises:
        UsageError: it is no amount, or has more decimals than the currency.
    """
    places = exponent(currency)
    try:
        minor = Decimal(text).scaleb(places)
    except InvalidOperation:
        raise UsageError(f"{text!r} is no amount", "for example: 29.99") from None
    if not minor.is_finite() or not 0 <= minor < AMOUNT_BELOW:
        raise UsageError(f"{text!r} is no amount of {currency}", "it is a number, and at least 0")
    if minor != minor.to_integral_value():
        raise UsageError(f"{text!r} has more decimals than {currency}, which has {places}", "give it without them")
    return int(minor)


def written(money: Money) -> str:
    """An amount for people: 29.99 USD."""
    places = exponent(money.currency)
    return f"{Decimal(money.amount).scaleb(-places):.{places}f} {money.currency}"
