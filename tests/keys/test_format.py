"""The form of a key: every slip is found without the database."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.errors import UsageError
from platform_core.keys.format import (
    ALPHABET,
    MistypedKey,
    beginnings,
    check,
    checksum,
    display_start,
    generate,
    is_whole,
)
from platform_core.keys.types import Environment

KEY = "aa_live_" + "A" * 32 + checksum("aa_live_" + "A" * 32)
TEXTS = st.text(ALPHABET, min_size=32, max_size=32)
ENVIRONMENTS = st.sampled_from(list(Environment))


def whole(environment: Environment, random_part: str) -> str:
    body = f"aa_{environment}_{random_part}"
    return body + checksum(body)


def refused(text: str) -> None:
    """Without the database."""
    with pytest.raises(MistypedKey):
        check(text)


def test_a_hundred_thousand_are_distinct_and_right() -> None:
    made = {generate(Environment.LIVE) for _ in range(100_000)}
    assert len(made) == 100_000
    assert all(is_whole(text) for text in made)
    assert {character for text in made for character in text[8:40]} == set(ALPHABET)


@pytest.mark.parametrize("environment", Environment)
def test_a_key_says_where_it_is_for_and_shows_its_beginning(environment: Environment) -> None:
    text = generate(environment)
    known = check(text)
    assert (known.environment, known.display_start) == (environment, text[:14])
    assert len(text) == 46
    assert beginnings(text) == [text[:14]]


@given(ENVIRONMENTS, TEXTS, st.data())
def test_one_other_character_is_found(environment: Environment, random_part: str, data: st.DataObject) -> None:
    text = whole(environment, random_part)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != text[place]))
    refused(text[:place] + other + text[place + 1 :])


@given(ENVIRONMENTS, TEXTS, st.data())
def test_a_character_too_few_or_too_many_is_found(
    environment: Environment, random_part: str, data: st.DataObject
) -> None:
    text = whole(environment, random_part)
    place = data.draw(st.integers(0, len(text) - 1))
    refused(text[:place] + text[place + 1 :])
    refused(text[:place] + data.draw(st.sampled_from(ALPHABET)) + text[place:])


def test_every_slip_in_a_sample_is_found() -> None:
    """All single substitutions by base62, all deletions, and all transpositions of neighbours that differ."""
    chosen = random.Random(7)  # noqa: S311 - the same ones every time
    for _ in range(20):
        text = whole(chosen.choice(list(Environment)), "".join(chosen.choices(ALPHABET, k=32)))
        slips = [text[:n] + c + text[n + 1 :] for n in range(len(text)) for c in ALPHABET if c != text[n]]
        slips += [text[:n] + text[n + 1 :] for n in range(len(text))]
        slips += [
            text[:n] + text[n + 1] + text[n] + text[n + 2 :] for n in range(len(text) - 1) if text[n] != text[n + 1]
        ]
        for slip in slips:
            refused(slip)


def test_the_other_environment_is_no_slip_that_passes() -> None:
    text = generate(Environment.LIVE)
    assert not is_whole(text.replace("_live_", "_test_"))


@pytest.mark.parametrize("text", [KEY + "0", KEY[:-1], KEY.lower(), "aa_", "aa_prod_" + KEY[8:], "", "two words", "é"])
def test_what_is_refused_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(text)
    assert not text or text not in f"{refused.value.message} {refused.value.hint}"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).filter(lambda t: t[:3] != "aa_"))
def test_of_a_foreign_key_little_is_shown(text: str) -> None:
    known = check(text)
    assert known.environment is None
    assert text.startswith(known.display_start)
    assert len(known.display_start) <= min(16, len(text) / 3)


def test_a_foreign_key_is_looked_for_by_each_beginning() -> None:
    text = "sk_live_abc12345" + "x" * 24
    assert display_start(text) == "sk_live_abc12"
    assert "sk_live_abc12345" in beginnings(text)
    assert max(map(len, beginnings(text))) == 16


@pytest.mark.parametrize(("body", "expected"), [("", "000000"), ("aa_live_", checksum("aa_live_"))])
def test_the_checksum_is_as_long_whatever_its_value(body: str, expected: str) -> None:
    assert checksum(body) == expected
    assert len(expected) == 6
