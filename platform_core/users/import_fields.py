"""The fields of a user that an import knows; `id` is only read where the user is made."""

from platform_core.importing.types import Field, Kind
from platform_core.users.types import EMAIL_LENGTH, UserRole, UserStatus

NOW = "(SELECT agentadm.now())"
FIELDS = (
    Field("id", Kind.ID, default="s.key", needed=True),
    Field("email", Kind.EMAIL, longest=EMAIL_LENGTH),
    Field("email_verified", Kind.BOOLEAN, default="false", needed=True),
    Field("username", Kind.NAME, longest=100),
    Field("first_name"),
    Field("last_name"),
    Field("full_name"),
    Field("avatar_url"),
    Field("role", Kind.WORD, default="'user'", needed=True, words=tuple(UserRole)),
    Field("status", Kind.WORD, default="'active'", needed=True, words=tuple(UserStatus)),
    Field("suspended_reason"),
    Field("stripe_customer_id"),
    Field("stripe_connect_account_id"),
    Field("billing_anchor_day", Kind.DAY, default="1", needed=True),
    Field("default_llm_provider", default="'openai'", needed=True),
    Field("daily_budget", Kind.AMOUNT, default="10.00"),
    Field("onboarding_completed", Kind.BOOLEAN, default="false", needed=True),
    Field("last_login_at", Kind.TIME),
    Field("metadata", Kind.JSON, default="'{}'", needed=True),
    Field("created_at", Kind.TIME, default=NOW, needed=True),
)
# Whose user it is at the provider: only an export of that provider says it.
SUBJECT = Field("subject", longest=255)
SYNC_NAMES = (
    "email", "email_verified", "username", "first_name", "last_name", "full_name", "avatar_url", "status",
    "last_login_at", "metadata", "created_at",
)  # fmt: skip
SYNC_FIELDS = (SUBJECT, *(field for field in FIELDS if field.name in SYNC_NAMES))
