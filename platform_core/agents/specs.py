"""The rules of specifications: out to files, and in from them."""

import re
from uuid import UUID

from platform_core.agents import queries, spec_queries
from platform_core.agents.types import PARTS, Agent, AgentDefinition, NewAgent, Skill, SpecSource
from platform_core.errors import Conflict, UsageError
from platform_core.importing.answers import OnConflict
from platform_core.services import Service
from platform_core.slugs import slug_of
from platform_core.versions.types import ChangeNote

HEADING = re.compile(r"#[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
FENCE = re.compile(r" {0,3}(```+|~~~+)")


class SpecService(Service):
    """Specifications of agents."""

    def export(
        self, reference: str, *, version: int | None = None, deleted: bool = False, reveal: bool = False
    ) -> AgentDefinition:
        """An agent as it could be made elsewhere, with the specification and code of a version.

        Raises:
            NotFound, Conflict: the reference names none, or several; there is no such version.
        """
        agent = self._services.agents.show(reference, deleted=deleted, reveal=reveal)
        known = {name: getattr(agent, name) for name in AgentDefinition.__dataclass_fields__ if hasattr(agent, name)}
        known["version"] = agent.spec_version
        if version is not None:
            found = self._services.agent_versions.load(agent.id, reference, version)
            known |= {"version": version, **{part: getattr(found, part) for part in PARTS}}
        skills = tuple(Skill(**skill) for skill in spec_queries.skills(self._connection, agent.id))
        return AgentDefinition(**known, skills=skills)

    def import_spec(
        self,
        source: SpecSource,
        *,
        team: str | None,
        user: str | None,
        on_conflict: OnConflict = OnConflict.FAIL,
        note: ChangeNote,
    ) -> Agent:
        """Make an agent of a specification, or give it to the one that has its slug, as its next version.

        An agent that is there keeps its name, unless another was given.

        Args:
            source: the specification.
            team, user: whose it is; see AgentService.owner_of.
            on_conflict: what becomes of a specification of an agent that is there.
            note: what the version keeps.

        Raises:
            Conflict: the slug is taken, and on_conflict says no; or by a deleted agent.
            NotFound, UsageError: as AgentService.create.
        """
        agents = self._services.agents
        team_id, slug = agents.owner_of(team=team, user=user), _slug_of(source)
        values = {**source.values, "spec_content": source.text}
        holder = queries.holder_of_slug(self._connection, team_id, slug)
        if holder is None or holder.deleted_at is not None:
            return agents.create(NewAgent(_name_of(source), slug, source.agent_type, values), team_id, note=note)
        if on_conflict is OnConflict.SKIP:
            return agents.show(str(holder.id))
        if on_conflict is OnConflict.UPDATE:
            named = {} if source.name is None else {"name": source.name}
            return agents.update(str(holder.id), {**values, **named}, note=note)
        raise Conflict(f"agent {holder.label} is there already ({holder.id})", "--on-conflict skip, or update")

    def find_import(self, source: SpecSource, *, team: str | None, user: str | None) -> UUID | str:
        """The key of the agent that a specification is about, or its slug where there is none yet.

        Raises:
            NotFound, Conflict, UsageError: as import_spec.
        """
        slug = _slug_of(source)
        holder = queries.holder_of_slug(self._connection, self._services.agents.owner_of(team=team, user=user), slug)
        return slug if holder is None else UUID(str(holder.id))


def heading_of(text: str) -> str | None:
    """The first heading of a Markdown text: of the first level, neither in code nor in front matter."""
    lines = text.removeprefix("\ufeff").splitlines()
    if lines and lines[0].strip() == "---" and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    fence = None
    for line in lines:
        if (mark := FENCE.match(line)) is not None:
            fence = mark[1] if fence is None else None if mark[1].startswith(fence) else fence
        elif fence is None and (found := HEADING.fullmatch(line)) is not None and found[1]:
            return found[1]
    return None


def _name_of(source: SpecSource) -> str:
    name = source.name or heading_of(source.text) or source.stem
    if not name:
        raise UsageError("the specification has no heading to be named after", "give --name NAME")
    return name


def _slug_of(source: SpecSource) -> str:
    return source.slug or slug_of(source.stem or _name_of(source))
