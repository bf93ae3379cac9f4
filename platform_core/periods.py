"""Periods as people write them: today, last-month, -30d, 2026-10, 2026-10-01..2026-10-31. All are UTC."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from platform_core.errors import UsageError

FORMS = "today, this-week, last-month, -30d, +30d, 2026, 2026-10, 2026-10-31, 2026-10-01..2026-10-31, 2026-10.."
END_FORMS = "for example: 90d from now, through 2026-10-31, through 2026-10, or this-month"
# The database's; a moment is as long as this.
TICK = timedelta(microseconds=1)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([+-])([0-9]{1,6})([hdw])")
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


@dataclass(frozen=True)
class Period:
    """A stretch of time in UTC, its end not included; None where it is open.

    `until` is where `--until` cuts: the end, but for a span back from now (-7d) the moment that long ago.
    `ahead` is of a span on from now (+7d): what is before it is all that is before its end, what has been included.
    """

    start: datetime | None
    end: datetime | None
    until: datetime | None
    ahead: bool = False


Now = Callable[[], datetime]


def parse_period(text: str, now: Now) -> Period:
    """What a period means.

    Args:
        text: as it was given.
        now: the moment to reckon from; called only where the period is relative to it.

    Raises:
        UsageError: it is none; the forms are named.
    """
    try:
        first, dots, last = text.partition("..")
        if not dots:
            return _single(text, now)
        if not first and not last:
            _refuse(text)
        start = _single(first, now).start if first else None
        end = _single(last, now).until if last else None
    except (ValueError, OverflowError):
        _refuse(text)
    if start is not None and end is not None and start >= end:
        raise UsageError(f"the period {text!r} ends before it begins", "write the earlier side first")
    return Period(start, end, end)


def parse_duration(text: str) -> timedelta:
    """How long: 90d, 24h, 15m, 0.

    Raises:
        UsageError: it is none.
    """
    if text == "0":
        return timedelta()
    found = _DURATION.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no duration", "for example: 90d, 2w, 24h, 15m, 30s, or 0")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def parse_moment(text: str, now: Now) -> datetime:
    """A moment in UTC: so long from now (90d), or a time or the beginning of a day (2026-10-31).

    Raises:
        UsageError: it is none.
    """
    if _DURATION.fullmatch(text):
        try:
            return now().astimezone(UTC) + parse_duration(text)
        except OverflowError:
            raise UsageError(f"{text!r} is too far away", "for example: 90d") from None
    if not _DATE.fullmatch(text) and not _INSTANT.fullmatch(text):
        raise UsageError(f"{text!r} is no moment", "for example: 90d, 2026-10-31, or 2026-10-31T12:00:00Z")
    start = parse_period(text, now).start
    if start is None:
        raise UsageError(f"{text!r} is no moment", "for example: 90d")
    return start


def parse_end(text: str, now: Now) -> datetime:
    """Until when: so long from now (90d), through the end of a period (2026-10-31, 2026-10, this-month), or a time.

    Raises:
        UsageError: it is none.
    """
    if _DURATION.fullmatch(text) or _INSTANT.fullmatch(text):
        return parse_moment(text, now)
    end = parse_period(text, now).end if text.lower() in NAMED or _DATE.fullmatch(text) else None
    if end is None:
        raise UsageError(f"{text!r} is no moment", f"{END_FORMS}, or a time like 2026-10-31T12:00:00Z")
    return end


def _single(text: str, now: Now) -> Period:
    if named := NAMED.get(text.lower()):
        start, end = named(now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
        return Period(start, end, end)
    if span := _SPAN.fullmatch(text):
        moment, length = now().astimezone(UTC), timedelta(**{UNITS[span[3]]: int(span[2])})
        if span[1] == "+":
            return Period(moment, moment + length, moment + length, ahead=True)
        return Period(moment - length, moment, moment - length)
    if date := _DATE.fullmatch(text):
        start, end = _calendar(*(int(part) if part else None for part in date.groups()))
        return Period(start, end, end)
    if not _INSTANT.fullmatch(text):
        _refuse(text)
    moment = datetime.fromisoformat(text.upper())
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return Period(moment, moment + TICK, moment + TICK)


def _calendar(year: int | None, month: int | None, day: int | None) -> tuple[datetime, datetime]:
    start = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
    if day is not None:
        return start, start + timedelta(days=1)
    return start, _next_month(start) if month is not None else start.replace(year=start.year + 1)


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=31)).replace(day=1)


def _refuse(text: str) -> NoReturn:
    raise UsageError(f"{text!r} is not a period", f"for example: {FORMS}, or a time like 2026-10-31T12:00:00Z")


def _day(today: datetime, offset: int) -> tuple[datetime, datetime]:
    return today + timedelta(days=offset), today + timedelta(days=offset + 1)


def _week(today: datetime, offset: int) -> tuple[datetime, datetime]:
    monday = today + timedelta(weeks=offset, days=-today.weekday())
    return monday, monday + timedelta(weeks=1)


def _month(today: datetime, offset: int) -> tuple[datetime, datetime]:
    first = today.replace(day=1)
    if offset:
        first = (first - timedelta(days=1)).replace(day=1)
    return first, _next_month(first)


def _year(today: datetime, offset: int) -> tuple[datetime, datetime]:
    first = today.replace(month=1, day=1, year=today.year + offset)
    return first, first.replace(year=first.year + 1)


NAMED: dict[str, Callable[[datetime], tuple[datetime, datetime]]] = {
    "today": lambda today: _day(today, 0),
    "yesterday": lambda today: _day(today, -1),
    "this-week": lambda today: _week(today, 0),
    "last-week": lambda today: _week(today, -1),
    "this-month": lambda today: _month(today, 0),
    "last-month": lambda today: _month(today, -1),
    "this-year": lambda today: _year(today, 0),
    "last-year": lambda today: _year(today, -1),
}
