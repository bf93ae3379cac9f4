"""When a schedule starts next: cron expressions in the time zone of a place, as Debian's cron has them.

Where clocks are put forward, what would be left out starts right after; where they are put back, a time of day comes
once, and what runs every hour or minute goes on.
"""

from datetime import UTC, datetime

from platform_core.errors import UsageError
from platform_core.near import did_you_mean

FIELDS = 5
LONGEST = 200
CRON_HINT = "minute, hour, day, month, weekday: '30 9 * * MON-FRI' is half past nine on workdays"
ZONE_HINT = "give the name of a place, such as Europe/Berlin, or UTC"
# What the list of zones has, and is none.
NO_ZONES = frozenset({"Factory"})


def checked_cron(text: str) -> str:
    """A cron expression, with one space between its fields.

    Raises:
        UsageError: it is none, or never comes.
    """
    from cronsim import CronSim, CronSimError

    fields = text.split()
    if len(fields) != FIELDS or len(text) > LONGEST:
        raise UsageError(f"{text[:LONGEST]!r} is no cron expression: it has {FIELDS} fields", CRON_HINT)
    try:
        first = next(CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC)), None)
    except CronSimError as error:
        raise UsageError(f"{text!r} is no cron expression: {str(error).lower()}", CRON_HINT) from None
    if first is None:
        raise UsageError(f"{text!r} never comes", CRON_HINT)
    return " ".join(fields)


def checked_zone(text: str) -> str:
    """The name of a time zone as IANA writes it, whatever its case.

    Raises:
        UsageError: there is none such.
    """
    from importlib.resources import files

    # IANA's own list; what a system has beside it means something else elsewhere.
    listed = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    known = {name.lower(): name for name in listed if name not in NO_ZONES}
    if (found := known.get(text.lower())) is None:
        raise UsageError(f"no time zone {text!r}{did_you_mean(text, known.values())}", ZONE_HINT)
    return found


def next_run(cron: str, timezone: str, after: datetime) -> datetime | None:
    """The first moment after another, in UTC; None if it never comes.

    Raises:
        UsageError: the expression or the time zone, which may be stored ones, are none.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from cronsim import CronSim, CronSimError

    try:
        moments = CronSim(cron, after.astimezone(ZoneInfo(timezone)))
    except (CronSimError, ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"{cron!r} in {timezone!r} is no schedule: {error}", "give it another --cron or --timezone"
        ) from None
    # In the hour that comes twice, a time of day may be behind us already.
    return next((found for moment in moments if (found := moment.astimezone(UTC)) > after), None)
