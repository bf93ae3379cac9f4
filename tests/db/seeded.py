"""The seeded company, by the scale of it."""

from platform_core.db import seed as seeding
from platform_core.db.types import SeedResult
from platform_core.operations.types import Outcome, WriteRequest
from platform_core.platform import Platform


def seed(platform: Platform, scale: str = "small") -> Outcome[SeedResult]:
    request = WriteRequest(command="db seed", arguments={"scale": scale})
    return platform.write(request, lambda services: seeding.seed(services.connection, scale), SeedResult)
