"""The topics of `agentadm help`: each is told here, and nowhere else. Text for people, rows for programs."""

from dataclasses import dataclass

from cli.output.text import wrapped
from platform_core.errors import EXIT_MEANINGS


@dataclass(frozen=True)
class Entry:
    """One line of a topic: what is named, and what it means."""

    name: str
    meaning: str


@dataclass(frozen=True)
class ExitMeaning:
    """An exit code and what it means."""

    code: int
    meaning: str


@dataclass(frozen=True)
class Topic:
    """A topic of help: a line about it, a paragraph, and its entries."""

    summary: str
    text: str
    entries: tuple[Entry | ExitMeaning, ...]


def _entries(told: dict[str, str]) -> tuple[Entry, ...]:
    return tuple(Entry(name, meaning) for name, meaning in told.items())


EXIT_CODES = Topic(
    "What a command ends with; one meaning each.",
    "0 is said only when all of it was done. 75 alone is worth trying again as it stands.",
    tuple(ExitMeaning(int(code), meaning) for code, meaning in EXIT_MEANINGS.items()),
)

FORMATS = Topic(
    "How results are written, for people and for programs.",
    "stdout carries data and nothing else; notes, questions, dry-run changes and errors go to stderr. A list is an"
    " array whatever its length, a single thing is an object. With a machine format an error is one JSON object on"
    " stderr: code, kind, message, hint, operation_id.",
    _entries(
        {
            "table": "for people: the default on a terminal; fits its width, and names what found no room",
            "plain": "tab-separated, whole values, no header: the default in a pipe",
            "json": "whole ids, RFC 3339 times in UTC, fields only ever added to",
            "jsonl": "the same, one object a line",
            "csv": 'no value is nothing, an empty text ""; formulas get an apostrophe, not with --exact',
            "yaml": "as json",
            "markdown": "a table to paste into a ticket",
            "--columns a,b.c": "which fields, in which order; b.c is field c of b",
            "--quiet": "no notes on stderr, but what a list leaves out without being told to",
            "NO_COLOR": "no colour on a terminal; in a pipe there never is any",
        }
    ),
)

REFERENCES = Topic(
    "How a thing is named on the command line.",
    "A reference that fits several things is an error that lists them; nothing is guessed. Deleted things are found"
    " only with --deleted.",
    _entries(
        {
            "one": "answers with the thing itself: in JSON an object",
            "several, or -": "each stands alone and has a result: in JSON an array, also where - is one line, or none",
            "-": "reads standard input, one a line, or JSON lines with an id: agentadm agents list --team compilers"
            " --all --columns id | agentadm agents pause - --yes",
            "user": "e-mail or username whatever its case, id, ending of an id of 8 digits or more, id at a provider",
            "team": "its slug, id, or ending of an id",
            "agent": "team/slug, @handle, id, or ending of an id; its slug alone, where no other team has one like it",
            "project, crew, model": "its name whatever its case, id, or ending of an id",
            "workflow": "team/name, id, or ending of an id; its name alone, where no other team has one like it",
            "instance": "its machine's id, id, or ending of an id",
            "key": "its beginning as lists show it, id, or ending of an id; never the whole key, which is a secret",
            "plan": "its id, as pro",
            "run": "its id, or the ending of one",
            "operation": "its id, or the ending of one: agentadm audit list shows them",
            "environment": "the name that db init gave it: agentadm db status shows it",
            "profile": "a name of the configuration file: agentadm config profiles lists them",
        }
    ),
)

FILTERS = Topic(
    "Which rows a list shows, and in which order.",
    "What people ask for has an option of its own (--status, --role); --where takes any field of the list, checked"
    " against the known ones. A field that there is not is an error that names all of them. Several filters all hold.",
    _entries(
        {
            "--where field=value": "is; the value is read as the field's type",
            "--where field!=value": "is not",
            "--where field>value": "is later or more; also <, >=, <=",
            "--where field~text": "contains, whatever its case",
            "--where field=": "has no value; field!= has one",
            "--where user=ada@example.com": "by the name and value that the list shows; amounts in minor units: 2999",
            "expires_at<+30d": "what ended or will before 30 days from now; =+30d what will within them, >+30d after"
            " them, >=+30d from now on",
            "--since, --until PERIOD": "from its beginning on; through its end",
            "--sort field": "in this order; --sort -field the other way round",
            "--limit N": "how many at most (50); a note says when there are more",
            "--all": "all of them",
            "today, yesterday": "a day, in UTC",
            "this-week, last-month": "and the like; a week begins on Monday",
            "-30d": "the last 30 days, +30d the next; h hours, d days, w weeks",
            "2026-10": "a month; 2026-10-31 a day, 2026 a year, 2026-10-31T12:00:00Z a moment",
            "2026-10-01..2026-10-31": "from the first day to the last, both counted; either may be left out",
        }
    ),
)

ENVIRONMENT = Topic(
    "Which database, and the variables that are read.",
    "The database: --profile, else AGENTADM_DATABASE_URL, else DATABASE_URL, else the default profile, else the"
    " embedded server if one was made here, else code 2. agentadm config show says which, and why.",
    _entries(
        {
            "AGENTADM_DATABASE_URL": "libpq URL or connection string",
            "DATABASE_URL": "the same, when the first is not set",
            "AGENTADM_HOME": "folder of the embedded server",
            "AGENTADM_CONFIG": "path of the configuration file",
            "AGENTADM_KEY_MATERIAL": "peppers and encryption keys themselves, as TOML",
            "AGENTADM_KEY_FILE": "a file of them, mode 0600; else the profile's key_file, else the embedded server's",
            "AGENTADM_CLOCK": "a fake time (RFC 3339), for trying out a month end; production ignores it",
            "AGENTADM_STATEMENT_TIMEOUT": "seconds a statement may take (300)",
            "AGENTADM_EMBEDDED_POSTGRES": "18 (default), 16, or a folder with PostgreSQL's programs",
            "AGENTADM_EMBEDDED_DURABLE": "no: the embedded server does not wait for its disk; for tests only",
            "COLUMNS": "width of tables; else the terminal's",
            "NO_COLOR, TERM=dumb": "no colour, also on a terminal",
        }
    ),
)

CHANGES = Topic(
    "How a change is tried, confirmed, repeated and taken back.",
    "A change is one transaction: all of it, or nothing. It is recorded with who, why, before and after.",
    _entries(
        {
            "--dry-run": "all of it in a transaction, shown on stderr, rolled back; the same answer on stdout",
            "--yes": "no question for a moderate step; needed on production",
            "--confirm NAME": "the environment's name: the only way through for a severe step without a terminal",
            "--no-input": "never ask; without a terminal nothing is ever asked, and the command refuses with code 8",
            "--reason, --ticket": "recorded with the change; a profile can demand a reason",
            "--idempotency-key KEY": "runs once: repeated it answers the same; other arguments are a conflict",
            "--expect N": "changes nothing unless exactly N things are meant",
            "--max-affected N": "changes nothing if more than N rows would change, cascades included; then all or none",
            "--atomic": "of several items all or none, in one operation",
            "--resume, --restart": "go on with a run over the same items that was cut short, or begin anew",
            "--results FILE": "also write what came of each item, as JSON lines",
            "--error-unchanged": "code 3 when there was nothing to change",
            "--wait SECONDS": "how long to wait for a lock or lease before code 75",
            "audit undo OPERATION": "puts every row back, unless something changed since; that is listed then",
            "operations resume OPERATION": "finishes what a provider was asked for; each step takes effect once",
        }
    ),
)

ROLES = Topic(
    "Who may do what: the database's roles of operators.",
    "One login per operator or job: agentadm db roles create NAME --group ROLE. The database refuses what a login may"
    " not do; the error (code 4) names the role that it takes. docs/cli.md says it of every command.",
    _entries(
        {
            "agentadm_analytics": "reads lists; nothing that people wrote, and not the record of changes",
            "agentadm_support": "reads all; changes people, teams, projects, crews, agents, instances, runs, workflows"
            " and keys, grants limits, imports; takes back",
            "agentadm_billing": "reads all; changes plans, also those of agents, and grants limits",
            "agentadm_admin": "as both; also merges and erases people, and changes models and key material",
            "the schema's owner": "sets up, migrates, seeds, backs up, maintains, makes logins",
            "--as-user USER": "reads as a customer, whoever reads: what row-level security shows that user",
        }
    ),
)

TOPICS = {
    "exit-codes": EXIT_CODES,
    "formats": FORMATS,
    "references": REFERENCES,
    "filters": FILTERS,
    "environment": ENVIRONMENT,
    "changes": CHANGES,
    "roles": ROLES,
}
NAMES = ", ".join(TOPICS)


def page(topic: Topic, width: int = 80) -> str:
    """A topic as text that fits a terminal."""
    return f"{wrapped(topic.text, width, '')}\n\n{definitions(topic.entries, width)}"


def overview(width: int = 80) -> str:
    """All topics, a line each."""
    rows = tuple(Entry(name, topic.summary) for name, topic in TOPICS.items())
    last = "agentadm help TOPIC shows one; agentadm help NOUN VERB is the same as agentadm NOUN VERB --help."
    return f"{definitions(rows, width)}\n{wrapped(last, width, '')}\n"


def definitions(entries: tuple[Entry | ExitMeaning, ...], width: int) -> str:
    """Names to the left, meanings wrapped to the right of them."""
    pairs = [(str(entry.code) if isinstance(entry, ExitMeaning) else entry.name, entry.meaning) for entry in entries]
    room = max(len(name) for name, _ in pairs) + 4
    return "".join(f"{wrapped(meaning, width, ' ' * room, f'  {name}'.ljust(room))}\n" for name, meaning in pairs)
