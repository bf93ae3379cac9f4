"""Amounts: what people write is read exactly, and nothing else is taken for an amount."""

import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from platform_core.errors import UsageError
from platform_core.money import AMOUNT_BELOW, Money, exponent, parse_amount, written

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "EUR", "XAU"])
PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


@given(amount=st.integers(0, AMOUNT_BELOW - 1), currency=CURRENCIES)
def test_what_is_written_reads_back(amount: int, currency: str) -> None:
    number, _, code = written(Money(amount, currency)).partition(" ")
    assert (parse_amount(number, currency), code) == (amount, currency)


@given(
    text=st.text(alphabet="0123456789.eE+-_, \u0663\uff11\u00b2NaInfityx\n", max_size=12) | st.text(max_size=6),
    currency=CURRENCIES,
)
@example("1.5e1", "USD")
@example("1_000", "USD")
@example("\uff11\uff12", "USD")
@example("NaN", "USD")
@example("Infinity", "USD")
@example("+1", "USD")
@example("-0", "USD")
@example(" 1", "USD")
@example("1\n", "USD")
@example("1.", "USD")
@example(".5", "USD")
@example("9" * 400, "USD")
@example("0." + "0" * 400, "USD")
def test_only_plain_decimals_are_amounts(text: str, currency: str) -> None:
    try:
        found = parse_amount(text, currency)
    except UsageError:
        # Refused is what is no decimal, is too much, or has decimals that the currency has not.
        if PLAIN.fullmatch(text):
            minor = Decimal(text).scaleb(exponent(currency))
            too_long = max(map(len, text.split("."))) > 40
            assert minor >= AMOUNT_BELOW or minor != minor.to_integral_value() or too_long
        return
    assert PLAIN.fullmatch(text)
    assert Decimal(found).scaleb(-exponent(currency)) == Decimal(text)


@pytest.mark.parametrize("text", ["1e3", "1_000", "\uff11", "NaN", "1,50", "1 000", ""])
def test_the_refusal_shows_how_an_amount_is_written(text: str) -> None:
    with pytest.raises(UsageError, match="is no amount") as refused:
        parse_amount(text, "USD")
    assert "29.99" in str(refused.value.hint)
