"""--where and --sort against plain SQL, written independently; wrong fields and values."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_core.listing.types import ListRequest, Page
from platform_core.platform import Platform
from platform_core.users.types import UserSummary
from tests.conftest import Agentadm
from tests.listing.conftest import HOSTILE
from tests.support import Database

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# A condition, the same as SQL, and its parameters.
Asked = tuple[str, str, list[Any]]
SIGNS = st.sampled_from(["=", ">", ">=", "<", "<="])


def first_page(platform: Platform, *where: str, sort: str | None = None, limit: int = 5) -> Page[UserSummary]:
    request = ListRequest(where, sort, limit=limit)
    return platform.read(lambda services: services.users.list(request).page())


def unequal(field: str) -> str:
    return f"({field} IS NULL OR {field} <> %s)"


@st.composite
def texts(draw: st.DrawFn) -> Asked:
    field = draw(st.sampled_from(["email", "username", "full_name"]))
    value = draw(st.sampled_from([*(name.strip() for name in HOSTILE), "user1", "USER12@example.com", "name5"]))
    value = value if value and "\0" not in value else "x"
    kind = draw(st.sampled_from(["=", "!=", "~"]))
    if kind == "~":
        pattern = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{field}~{value}", f"{field} ILIKE %s", [f"%{pattern}%"]
    return f"{field}{kind}{value}", f"{field} = %s" if kind == "=" else unequal(field), [value]


@st.composite
def numbers(draw: st.DrawFn) -> Asked:
    field, value = draw(
        st.one_of(
            st.tuples(st.just("billing_anchor_day"), st.integers(-3, 40).map(str)),
            st.tuples(st.just("billing_anchor_day"), st.sampled_from([str(2**40), str(-(2**63))])),
            st.tuples(st.just("daily_budget"), st.decimals(0, 6, places=1).map(str)),
        )
    )
    if draw(st.booleans()):
        return f"{field}!={value}", unequal(field).replace("%s", "%s::numeric"), [value]
    sign = draw(SIGNS)
    return f"{field} {sign} {value}", f"{field} {sign} %s::numeric", [value]


@st.composite
def words(draw: st.DrawFn) -> Asked:
    field, value = draw(
        st.sampled_from([("role", "admin"), ("role", "user"), ("status", "suspended"), ("email_verified", "yes"),
                         ("email_verified", "False")])
    )  # fmt: skip
    sign = draw(st.sampled_from(["=", "!="]))
    return f"{field}{sign}{value}", f"{field} {sign.replace('!=', '<>')} %s", [value]


@st.composite
def times(draw: st.DrawFn) -> Asked:
    field = draw(st.sampled_from(["created_at", "last_login_at"]))
    first = draw(st.dates(date(2025, 12, 30), date(2026, 5, 10)))
    days = draw(st.integers(1, 20))
    text = first.isoformat() if days == 1 else f"{first}..{first + timedelta(days - 1)}"
    start = datetime.combine(first, datetime.min.time(), tzinfo=UTC)
    end = start + timedelta(days)
    told: dict[str, tuple[str, list[Any]]] = {
        "=": (f"{field} >= %s AND {field} < %s", [start, end]),
        "!=": (f"({field} IS NULL OR {field} < %s OR {field} >= %s)", [start, end]),
        ">": (f"{field} >= %s", [end]),
        ">=": (f"{field} >= %s", [start]),
        "<": (f"{field} < %s", [start]),
        "<=": (f"{field} < %s", [end]),
    }
    sign = draw(st.sampled_from(sorted(told)))
    return f"{field}{sign}{text}", *told[sign]


@st.composite
def missing(draw: st.DrawFn) -> Asked:
    field = draw(st.sampled_from(["email", "full_name", "last_login_at", "daily_budget", "id", "role", "deleted_at"]))
    return draw(st.sampled_from([(f"{field}=", f"{field} IS NULL", []), (f"{field}!=", f"{field} IS NOT NULL", [])]))


ORDERS = {
    "created_at": "created_at", "email": "lower(email)", "username": "lower(username)", "id": "id",
}  # fmt: skip


@QUICK
@given(
    st.lists(st.one_of(texts(), numbers(), words(), times(), missing()), max_size=3),
    st.sampled_from(sorted(ORDERS)),
    st.booleans(),
)
def test_it_is_what_plain_sql_finds(
    on_people: Platform, people: Database, asked: Sequence[Asked], sort: str, descending: bool
) -> None:
    clauses = ["deleted_at IS NULL", *(sql for _, sql, _ in asked)]
    direction = "DESC" if descending else "ASC"
    expected = people.rows(
        f"SELECT id FROM agentadm.users WHERE {' AND '.join(clauses)}"
        f" ORDER BY {ORDERS[sort]} {direction} NULLS LAST, id {direction}",
        *(value for _, _, values in asked for value in values),
    )
    page = first_page(on_people, *(text for text, _, _ in asked), sort=f"{'-' if descending else ''}{sort}", limit=1000)
    assert [row.id for row in page.rows] == [key for (key,) in expected]
    assert not page.more


@QUICK
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_value_is_never_more_than_a_value(on_people: Platform, value: str) -> None:
    for where in (f"full_name={value}", f"full_name~{value}", f"email!={value}", f"full_name>={value}"):
        if value.strip():
            first_page(on_people, where)


def test_an_id_and_an_instant(people: Database, on_people: Platform) -> None:
    key, moment = people.rows("SELECT id, last_login_at FROM agentadm.users WHERE last_login_at IS NOT NULL LIMIT 1")[0]
    for where in (f"id={key}", f"id={str(key).upper()}", f"last_login_at={moment.isoformat()}"):
        assert [row.id for row in first_page(on_people, where).rows] == [key]


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (("--where", "emial=x"), "no field 'emial', did you mean 'email'?", "full_name"),
        (("--where", "metadata=x"), "no field 'metadata'", "email"),
        (("--where", "status=suspendet"), "never 'suspendet', did you mean 'suspended'?", "active, suspended"),
        (("--where", "status~act"), "cannot be asked ~", "!= ="),
        (("--where", "id>1"), "cannot be asked >", "!= ="),
        (("--where", "id=1"), "id is an id, not '1'", "id=0193"),
        (("--where", "billing_anchor_day=1.5"), "a whole number, not '1.5'", "billing_anchor_day=3"),
        (("--where", "billing_anchor_day=99999999999999999999"), "a whole number", "3"),
        (("--where", "daily_budget>NaN"), "a number, not 'NaN'", "9.50"),
        (("--where", "email_verified=maybe"), "yes or no, not 'maybe'", "yes"),
        (("--where", "created_at=soon"), "created_at: 'soon' is not a period", "last-month"),
        (("--where", "email~"), "has no value", "email="),
        (("--where", "email"), "is not field=value", "status=active"),
        (("--where", "email=a\0b"), "holds a NUL", "UTF-8"),
        (("--where", "email=\udce9"), "is not UTF-8", "UTF-8"),
        (("--since", "soon"), "'soon' is not a period", "last-month"),
        (("--until", "2026-13"), "'2026-13' is not a period", "last-month"),
        (("--sort", "full_name"), "cannot be sorted by 'full_name'", "created_at, email"),
        (("--sort", "creatd_at"), "did you mean 'created_at'?", "created_at"),
    ],
)  # fmt: skip
def test_wrong_usage_names_what_is_right(agentadm: Agentadm, argv: tuple[str, ...], message: str, hint: str) -> None:
    for more in ((), ("--all", "-o", "csv", "--exact"), ("--all", "-o", "csv")):
        done = agentadm("users", "list", *argv, *more)
        assert (done.code, done.out) == (2, "")
        assert message in done.err.replace('\\"', '"')
        assert hint in done.err


def test_relative_periods_take_the_clock_of_the_database(database: Database, agentadm: Agentadm) -> None:
    for day in ("2026-02-27", "2026-02-28", "2026-03-01"):
        insert = "INSERT INTO agentadm.users (email, created_at) VALUES (%s, %s)"
        database.execute(insert, f"{day}@a.io", f"{day}T10:00Z")

    def found(*argv: str, now: str = "2026-03-01T12:00:00Z") -> list[str]:
        done = agentadm("users", "list", "--sort", "created_at", "-o", "json", *argv, env={"AGENTADM_CLOCK": now})
        assert done.code == 0, done.err
        return [row["email"][8:10] for row in done.json]

    assert found("--where", "created_at=yesterday") == ["28"]
    assert found("--since", "today") == ["01"]
    assert found("--until", "last-month") == ["27", "28"]
    assert found("--since", "-2d") == ["28", "01"]
    assert found("--until", "-1d") == ["27", "28"]
    assert found("--where", "created_at<-1d") == ["27", "28"]
    # From now on: what is before the span's end, within it, and after it.
    ahead = {"now": "2026-02-28T09:00:00Z"}
    for operator, days in {
        "<": ["27", "28"], "<=": ["27", "28"], "=": ["28"], "!=": ["27", "01"], ">=": ["28", "01"], ">": ["01"],
    }.items():  # fmt: skip
        assert found("--where", f"created_at{operator}+1d", **ahead) == days, operator
    assert found("--where", "created_at<+1d..", **ahead) == ["27"]
    assert found("--since", "2026-02-28", "--until", "2026-02-28") == ["28"]
    assert found("--since", "this-year", now="2027-01-01T00:00:00Z") == []


def test_audit_list_filters_by_what_happened(database: Database, agentadm: Agentadm) -> None:
    for number in range(3):
        agentadm("users", "create", f"u{number}@example.com", "--ticket", f"T-{number}")
    by_ticket = agentadm("audit", "list", "--where", "ticket~t-1", "-o", "json").json
    assert [row["ticket"] for row in by_ticket] == ["T-1"]
    assert agentadm("audit", "list", "--where", "changes>=1", "--where", "command=users create", "-o", "json").json
    assert agentadm("audit", "list", "--since", "2020-01-01..2020-12-31", "--until", "2020", "-o", "json").json == []
    oldest = agentadm("audit", "list", "--sort", "started_at", "--command", "users create", "-o", "json").json
    newest = agentadm("audit", "list", "--command", "users create", "-o", "json").json
    assert [row["ticket"] for row in oldest] == ["T-0", "T-1", "T-2"]
    assert oldest == newest[::-1]
    wrong = agentadm("operations", "list", "--where", "state=gone")
    assert (wrong.code, "pending, done, failed" in wrong.err) == (2, True)
    assert agentadm("operations", "list", "--where", "amount>5", "--all", "-o", "jsonl").out == ""


def test_the_help_names_what_a_list_can_be_sorted_by(agentadm: Agentadm, capsys: pytest.CaptureFixture[str]) -> None:
    assert agentadm("users", "list", "--help").code == 0
    assert "created_at, email, username, id; -FIELD" in " ".join(capsys.readouterr().out.split())
    assert agentadm("audit", "list", "--help").code == 0
    assert "started_at; -FIELD" in " ".join(capsys.readouterr().out.split())
