"""Periods, against plain Python."""

import calendar
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.errors import UsageError
from platform_core.periods import Period, parse_end, parse_period

MOMENTS = st.datetimes(datetime(1970, 1, 3), datetime(2900, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
DAYS = st.dates(date(1970, 1, 3), date(2900, 12, 31))
MIDNIGHT = datetime.min.time()


def never() -> NoReturn:
    raise AssertionError("an absolute period asked for the time")


def at(day: date) -> datetime:
    return datetime.combine(day, MIDNIGHT, tzinfo=UTC)


def days_of(period: Period) -> tuple[date, date]:
    """The first and the last day; both ends are midnights."""
    assert period.start is not None
    assert period.end is not None
    assert period.until == period.end
    assert period.start.time() == period.end.time() == MIDNIGHT
    return period.start.date(), period.end.date() - timedelta(days=1)


@given(MOMENTS)
def test_named_periods(now: datetime) -> None:
    def named(text: str) -> tuple[date, date]:
        return days_of(parse_period(text, lambda: now))

    today = now.date()
    assert named("today") == (today, today)
    assert named("Yesterday") == (today - timedelta(1), today - timedelta(1))
    first, last = named("this-week")
    assert (first.isoweekday(), last.isoweekday()) == (1, 7)
    assert first <= today <= last
    assert named("last-week") == (first - timedelta(7), last - timedelta(7))
    assert named("this-month") == (
        today.replace(day=1),
        today.replace(day=calendar.monthrange(today.year, today.month)[1]),
    )
    first, last = named("last-month")
    assert (first.day, last) == (1, today.replace(day=1) - timedelta(1))
    assert (first.year, first.month) == (last.year, last.month)
    assert named("this-year") == (date(today.year, 1, 1), date(today.year, 12, 31))
    assert named("last-year") == (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))


@given(MOMENTS, st.integers(0, 9999), st.sampled_from("hdw"))
def test_spans_back_from_now(now: datetime, number: int, unit: str) -> None:
    length = timedelta(hours=number * {"h": 1, "d": 24, "w": 168}[unit])
    assert parse_period(f"-{number}{unit}", lambda: now) == Period(now - length, now, now - length)


@given(DAYS)
def test_days_months_and_years(day: date) -> None:
    assert days_of(parse_period(day.isoformat(), never)) == (day, day)
    last = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    assert days_of(parse_period(f"{day:%Y-%m}", never)) == (day.replace(day=1), last)
    assert days_of(parse_period(f"{day:%Y}", never)) == (date(day.year, 1, 1), date(day.year, 12, 31))


@given(DAYS, DAYS)
def test_ranges_include_their_last_day(one: date, other: date) -> None:
    first, last = sorted((one, other))
    assert days_of(parse_period(f"{first}..{last}", never)) == (first, last)
    assert parse_period(f"{first}..", never) == Period(at(first), None, None)
    end = at(last) + timedelta(1)
    assert parse_period(f"..{last}", never) == Period(None, end, end)
    if first < last:
        with pytest.raises(UsageError, match="before it begins"):
            parse_period(f"{last}..{first}", never)


@given(MOMENTS, st.integers(-14 * 4, 14 * 4))
def test_instants_are_one_tick_long(moment: datetime, quarters: int) -> None:
    local = moment.astimezone(timezone(timedelta(minutes=15 * quarters)))
    end = moment + timedelta(microseconds=1)
    assert parse_period(local.isoformat(), never) == Period(moment, end, end)
    assert parse_period(f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}", never) == Period(moment, end, end)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("90d", "2027-01-13T12:00:00Z"),
        ("2026-10-31", "2026-11-01T00:00:00Z"),
        ("2026-12", "2027-01-01T00:00:00Z"),
        ("this-month", "2026-11-01T00:00:00Z"),
        ("today", "2026-10-16T00:00:00Z"),
        ("2026-10-31T12:00:00Z", "2026-10-31T12:00:00Z"),
    ],
)
def test_an_end_is_through_the_period_that_is_named(text: str, end: str) -> None:
    now = datetime(2026, 10, 15, 12, tzinfo=UTC)
    assert parse_end(text, lambda: now) == datetime.fromisoformat(end)


@pytest.mark.parametrize("text", ["", "soon", "..", "2026-10-01..", "+30d", "2026-13"])
def test_what_is_no_end(text: str) -> None:
    with pytest.raises(UsageError, match=r"is (no moment|not a period)"):
        parse_end(text, never)


def test_the_days_to_come() -> None:
    now = datetime(2026, 10, 15, 12, tzinfo=UTC)
    later = now + timedelta(30)
    assert parse_period("+30d", lambda: now) == Period(now, later, later, ahead=True)


def test_mixed_ranges() -> None:
    now = datetime(2026, 10, 15, 12, tzinfo=UTC)
    period = parse_period("-30d..yesterday", lambda: now)
    assert period.start == now - timedelta(30)
    assert period.end == datetime(2026, 10, 15, tzinfo=UTC)
    assert parse_period("-7d..-1d", lambda: now).end == now - timedelta(1)


@given(st.text(max_size=12))
def test_anything_else_is_wrong_usage(text: str) -> None:
    with suppress(UsageError):
        period = parse_period(text, lambda: datetime(2026, 10, 15, tzinfo=UTC))
        assert period.start is not None or period.end is not None


@pytest.mark.parametrize(
    "text",
    ["", "..", "2026-13", "2026-02-30", "0000", "9999", "-d", "30d", "-1m", "-999999w", "2026-10-", "last-hour",
     "20261001", "2026-10-01T12:00", "2026-10-01T25:00:00Z", "2026-10..2026-09", "\uff12\uff10\uff12\uff16", "2026-1"],
)  # fmt: skip
def test_wrong_ones_name_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_period(text, lambda: datetime(2026, 10, 15, tzinfo=UTC))
    assert caught.value.hint
