"""What the seeded company's teams have: agents, instances, keys, workflows, runs, and what belongs to them.

It is drawn team by team, so that what refers to one another fits together, and loaded in batches, so that the memory
does not grow with the company.
"""

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Table

from platform_core.agents.tables import agent_configurations, agent_plans, agent_skills, agent_versions, agents
from platform_core.crews.tables import crew_instances
from platform_core.db import (
    seed_agents,
    seed_customers,
    seed_instances,
    seed_plans,
    seed_runs,
    seed_workflows,
)
from platform_core.db.seed_agents import SeedAgent
from platform_core.db.seed_basket import Basket
from platform_core.db.seed_instances import SeedInstance
from platform_core.db.seed_people import Person
from platform_core.db.seed_teams import PLATFORM_SLUG, SeedTeam, own_teams, teams
from platform_core.db.seed_users import Row
from platform_core.instances.tables import agent_instances
from platform_core.keys.tables import api_keys
from platform_core.limits.tables import limit_overrides
from platform_core.runs.tables import error_logs, runs
from platform_core.subscriptions.tables import subscriptions
from platform_core.workflows.tables import workflow_schedules, workflow_versions, workflows

# In an order in which each finds those that it refers to, and an agent the limits that it needs.
TABLES: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (limit_overrides, seed_customers.OVERRIDE_COLUMNS),
    (agents, seed_agents.AGENT_COLUMNS),
    (agent_plans, seed_plans.AGENT_PLAN_COLUMNS),
    (agent_versions, seed_agents.VERSION_COLUMNS),
    (agent_skills, seed_agents.SKILL_COLUMNS),
    (agent_instances, seed_instances.INSTANCE_COLUMNS),
    (agent_configurations, seed_instances.CONFIGURATION_COLUMNS),
    (crew_instances, seed_instances.CREW_INSTANCE_COLUMNS),
    (subscriptions, seed_customers.SUBSCRIPTION_COLUMNS),
    (api_keys, seed_customers.KEY_COLUMNS),
    (workflows, seed_workflows.WORKFLOW_COLUMNS),
    (workflow_versions, seed_workflows.VERSION_COLUMNS),
    (workflow_schedules, seed_workflows.SCHEDULE_COLUMNS),
    (runs, seed_runs.RUN_COLUMNS),
    (error_logs, seed_runs.ERROR_COLUMNS),
)
TEAMS_IN_ONE_BATCH = 250
# Of a team's people, who hires the catalogue's agent.
HIRED_SHARE = 0.4


class Company:
    """Draws what the teams have, one after the other."""

    def __init__(self) -> None:
        self._basket = Basket()
        self._anaya: SeedAgent | None = None
        self._anaya_plans: dict[str, str] = {}
        # Of the README's people, who are in several teams.
        self._hired: dict[str, SeedInstance] = {}

    def batches(self, count: int) -> Iterator[dict[str, list[Row]]]:
        """Rows by table, of so many teams at a time.

        Args:
            count: how many people there are.
        """
        for team in own_teams():
            self._add_own(team)
        remaining = iter(teams(count))
        while batch := list(islice(remaining, TEAMS_IN_ONE_BATCH)):
            for team in batch:
                self._add(team)
            yield self._basket.take()

    def _add_own(self, team: SeedTeam) -> None:
        """The platform's team with its catalogue, or somebody's personal one."""
        basket = self._basket
        if team.slug == PLATFORM_SLUG:
            self._anaya, self._anaya_plans = seed_agents.catalogue_agent(team, basket)
            return
        seed_customers.add_overrides(team, basket)
        made = seed_agents.personal_agents(team, basket)
        for agent in made:
            seed_runs.add_agent_runs(agent, seed_instances.own_instance(agent, basket), basket)
        seed_customers.add_keys(team, made, basket)
        self._hired[team.people[0][0].id] = self._hire(team.people[0][0], team)

    def _add(self, team: SeedTeam) -> None:
        basket = self._basket
        hired: list[SeedInstance] = []
        if team.deleted is None:
            seed_customers.add_overrides(team, basket)
            seed_customers.add_team_subscription(team, basket)
            made = seed_agents.team_agents(team, basket)
            for agent in made:
                seed_runs.add_agent_runs(agent, None, basket)
            seed_customers.add_keys(team, made, basket)
            for workflow in seed_workflows.team_workflows(team, basket):
                seed_runs.add_workflow_runs(workflow, basket)
            hired = list(self._hired_by(team))
        seed_instances.add_crews(team, hired, basket)

    def _hired_by(self, team: SeedTeam) -> Iterator[SeedInstance]:
        random = self._basket.stream("hires")
        for place, (person, _) in enumerate(team.people):
            if person.known is not None:
                if person.id in self._hired:
                    yield self._hired[person.id]
            # A crew needs somebody who works in it.
            elif random.random() < HIRED_SHARE or (place == 0 and team.projects):
                yield self._hire(person, team)

    def _hire(self, person: Person, team: SeedTeam) -> SeedInstance:
        if self._anaya is None:
            raise LookupError("the platform's own team comes first")
        instance = seed_instances.hired_instance(self._anaya, person, team, self._basket)
        seed_customers.add_agent_subscription(instance, self._anaya_plans, self._basket)
        seed_runs.add_hired_runs(instance, team, self._basket)
        return instance
