"""How Clerk and Stack Auth write users, and what of it is ours. What is not named here is never read: secrets are not.

Clerk: the user export of the dashboard (CSV), and User objects of the Backend API (JSON).
Stack Auth: users of the server API (JSON), and the user export of the dashboard (CSV or JSON).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from platform_core.importing.values import JSON_ERRORS, BadValueError, decoded
from platform_core.users.types import SyncProvider

Record = Mapping[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YES = frozenset({"true", "yes", "1"})


@dataclass(frozen=True)
class ExportFormat:
    """How a provider writes users.

    Attributes:
        label: the provider's name for people.
        key: columns or keys, one of which holds the user's id there.
        kept: what may be written to a file of rejects.
        read: makes our fields out of a record.
    """

    label: str
    key: tuple[str, ...]
    kept: tuple[str, ...]
    read: Callable[[Record], dict[str, Any]]


def clerk(record: Record) -> dict[str, Any]:
    """A user as Clerk writes it."""
    email, verified = _clerk_api_email(record) if "email_addresses" in record else _clerk_csv_email(record)
    has_image = record.get("has_image") is not False
    return {
        "subject": record.get("id"),
        "email": email,
        "email_verified": verified if email else None,
        "username": record.get("username"),
        "first_name": record.get("first_name"),
        "last_name": record.get("last_name"),
        "avatar_url": record.get("image_url") or record.get("profile_image_url") if has_image else None,
        "status": "suspended" if _yes(record.get("banned")) else None,
        "last_login_at": moment("last_sign_in_at", record.get("last_sign_in_at")),
        "metadata": _object("public_metadata", record.get("public_metadata")),
        "created_at": moment("created_at", record.get("created_at")),
    }


def stack_auth(record: Record) -> dict[str, Any]:
    """A user as Stack Auth writes it."""

    def first(*names: str) -> Any:
        return next((record[name] for name in names if record.get(name) not in {None, ""}), None)

    email = first("primary_email", "Email")
    return {
        "subject": first("id", "User ID"),
        "email": email,
        "email_verified": _yes(first("primary_email_verified", "Email Verified")) if email else None,
        "full_name": first("display_name", "Display Name"),
        "avatar_url": first("profile_image_url", "Profile Image URL"),
        "last_login_at": moment("last_active_at", first("last_active_at_millis", "Last Active At")),
        "metadata": _object("client_metadata", _held(record, "client_metadata", "Client Metadata")),
        "created_at": moment("signed_up_at", first("signed_up_at_millis", "Signed Up At")),
    }


FORMATS = {
    SyncProvider.CLERK: ExportFormat(
        "Clerk",
        ("id",),
        ("id", "first_name", "last_name", "username", "primary_email_address", "verified_email_addresses",
         "unverified_email_addresses", "email_addresses", "primary_email_address_id", "image_url", "has_image",
         "banned", "public_metadata", "last_sign_in_at", "created_at"),
        clerk,
    ),
    SyncProvider.STACK_AUTH: ExportFormat(
        "Stack Auth",
        ("id", "User ID"),
        ("id", "primary_email", "primary_email_verified", "display_name", "profile_image_url", "client_metadata",
         "signed_up_at_millis", "last_active_at_millis", "User ID", "Email", "Email Verified", "Display Name",
         "Profile Image URL", "Client Metadata", "Signed Up At", "Last Active At"),
        stack_auth,
    ),
}  # fmt: skip


def fields_of(record: Record, wanted: ExportFormat) -> dict[str, Any]:
    """Our fields of a provider's record; those without a value are left out.

    Raises:
        BadValueError: it is not as the provider writes it.
    """
    try:
        found = wanted.read(record)
    except (AttributeError, TypeError):
        raise BadValueError(f"is not a user as {wanted.label} writes it") from None
    return {name: value for name, value in found.items() if value not in (None, "", {})}


def moment(name: str, value: Any) -> str | None:
    """A moment in milliseconds since 1970, or as text, as text.

    Raises:
        BadValueError: it is none.
    """
    if value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, str) and not value.isdigit():
        return value
    try:
        return (EPOCH + timedelta(milliseconds=int(text))).isoformat()
    except (ValueError, OverflowError):
        raise BadValueError(f"{name}: is not a time in milliseconds") from None


def _clerk_api_email(record: Record) -> tuple[str | None, bool]:
    """The primary address, else the first that is verified, else the first; and whether it is verified."""
    addresses = [
        (str(entry["email_address"]), (entry.get("verification") or {}).get("status") == "verified", entry.get("id"))
        for entry in record["email_addresses"] or ()
        if entry.get("email_address")
    ]
    primary = record.get("primary_email_address_id")
    addresses.sort(key=lambda address: (primary is None or address[2] != primary, not address[1]))
    return addresses[0][:2] if addresses else (None, False)


def _clerk_csv_email(record: Record) -> tuple[str | None, bool]:
    """The same of the dashboard's export, where several addresses stand in one cell."""
    verified = _listed(record.get("verified_email_addresses"))
    others = _listed(record.get("unverified_email_addresses"))
    email = record.get("primary_email_address") or next(iter([*verified, *others]), None)
    known = {address.lower() for address in verified} - {address.lower() for address in others}
    return email, email is not None and email.lower() in known


def _listed(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else re.split(r"[,|]", value or "")
    return [part.strip() for part in parts if part.strip()]


def _yes(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in YES)


def _held(record: Record, *names: str) -> Any:
    return next((record[name] for name in names if record.get(name)), None)


def _object(name: str, value: Any) -> Any:
    """An object that a CSV cell may hold as text."""
    if not isinstance(value, str) or not value:
        return value or None
    try:
        return decoded(value)
    except JSON_ERRORS:
        raise BadValueError(f"{name}: is not JSON") from None
