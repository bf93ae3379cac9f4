"""The rules of identities of users; one method a command."""

import re

from platform_core.errors import Conflict, NotFound, UsageError
from platform_core.services import Service
from platform_core.users import queries
from platform_core.users.types import Identity, User

# The constraint identities_provider_check holds whoever writes; this says it in words.
PROVIDER = re.compile(r"[a-z][a-z0-9_]*")


class IdentityService(Service):
    """By whom else a user is known."""

    def link(self, reference: str, identity: Identity) -> User:
        """Give a user an identity. One that the user has already stays.

        Raises:
            NotFound, Conflict: the reference names none, or several; the identity is somebody else's.
            UsageError: the provider's name is none.
        """
        if not PROVIDER.fullmatch(identity.provider) or not identity.subject:
            raise UsageError(
                f"{identity.provider!r} with {identity.subject!r} is no identity", "for example: clerk user_2abc"
            )
        users = self._services.users
        user_id = users.hold(reference)
        holder = queries.identity_holder(self._connection, identity.provider, identity.subject)
        if holder not in {None, user_id}:
            raise Conflict(
                f"{identity.provider} {identity.subject} is an identity of user {holder}",
                "unlink it there first, or merge the two users",
            )
        if holder is None:
            queries.link_identity(self._connection, user_id, identity.provider, identity.subject)
        return users.load(user_id)

    def unlink(self, reference: str, identity: Identity) -> User:
        """Take an identity away from a user.

        Raises:
            NotFound, Conflict: the reference names none, or several; the user has no such identity.
        """
        users = self._services.users
        user_id = users.find(reference)
        if queries.identity_holder(self._connection, identity.provider, identity.subject) != user_id:
            raise NotFound(
                f"{reference} has no identity {identity.provider} {identity.subject}",
                f"agentadm users identities list {reference} shows them",
            )
        queries.unlink_identity(self._connection, identity.provider, identity.subject)
        return users.load(user_id)
