"""Puts the pieces together: create_app(), and the command line around it.

The one module that knows everybody; nobody imports it. gunicorn takes `wsgi:create_app()`, the
console script `breachclock` takes `wsgi:main`. No app is built at import time.
"""

import sys
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import click
from flask import Blueprint, Flask
from flask.cli import ScriptInfo

from foundation.settings import Settings, SettingsError

HERE = Path(__file__).parent
DATA = HERE / "breachclock_data" if (HERE / "breachclock_data").is_dir() else HERE

BLUEPRINTS = (
    "accounts.views",
    "notifications.callbacks",
    "notifications.views.link",
    "notifications.views.answers",
    "notifications.views.policies",
    "notifications.views.teams",
    "notifications.views.on_call",
    "notifications.views.schedules",
    "notifications.views.rotations",
    "notifications.views.overrides",
    "notifications.views.schedule_feeds",
    "notifications.views.messages",
    "notifications.views.contact_methods",
    "playbooks.views",
    "playbooks.views.editor",
    "incident.webhook",
    "incident.views.board",
    "incident.views.incidents",
    "incident.views.awareness",
    "incident.views.facts",
    "incident.views.versions",
    "incident.views.merging",
    "incident.views.splitting",
    "incident.views.assessments",
    "incident.views.decisions",
    "incident.views.duties",
    "incident.views.regimes",
    "incident.views.steps",
    "incident.views.roles",
    "incident.views.handovers",
    "incident.views.next_up",
    "incident.views.calendar",
    "incident.views.step",
    "incident.views.reports",
    "incident.views.reporting",
    "incident.views.reporting_links",
    "incident.views.quarantine",
    "incident.views.misdirected",
    "incident.views.processors",
    "incident.views.may_be_hit",
    "incident.views.customers",
    "incident.views.incident_customers",
    "incident.views.controller_notices",
    "incident.views.authority_notifications",
    "incident.views.correspondence",
    "incident.views.phases",
    "incident.views.filings",
    "incident.views.authority_mails",
    "incident.views.recipient_lists",
    "incident.views.samples",
    "incident.views.subject_communications",
    "incident.views.communication_texts",
    "incident.views.genuine",
    "incident.views.coverage_reports",
    "incident.views.forgetting",
    "incident.views.letter_runs",
    "incident.views.public_notices",
    "incident.views.heard",
    "incident.views.register",
    "incident.views.drills",
    "incident.views.health",
    "incident.views.ready",
    "incident.views.organisation",
)
# Each module's `commands` are added to `breachclock`; those first load the least.
COMMANDS = (
    "notifications.watchdog",
    "incident.cli",
    "incident.customer_cli",
    "incident.operations",
    "incident.processor_cli",
    "incident.readiness_cli",
    "incident.starting",
    "accounts.cli",
    "playbooks.cli",
    "notifications.cli",
    "incident.drills.cli",
)


def create_app(settings: Settings | None = None) -> Flask:
    """The whole product as a Flask app; `settings` are read from the environment when not given.

    Raises: SettingsError naming every variable at fault.
    """
    from accounts import sign_in
    from foundation import http

    app = create_core(settings)
    http.init_app(app)
    sign_in.init_app(app)
    for name in BLUEPRINTS:
        blueprint: Blueprint = import_module(name).bp
        app.register_blueprint(blueprint)
    return app


def create_core(settings: Settings | None = None) -> Flask:
    """The product without its pages, for clock, workers and commands: they start in half the time.

    Raises: SettingsError naming every variable at fault.
    """
    from foundation import database, encryption, locales, logs, queue
    from foundation.settings import load
    from notifications import channels

    settings = settings or load()
    logs.init()
    app = Flask(__name__, template_folder=str(DATA / "templates"), static_folder=str(DATA / "static"))
    app.config.update(
        SETTINGS=settings,
        DATA=DATA,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=database.engine_options(settings.database_url),
        BABEL_TRANSLATION_DIRECTORIES=str(DATA / "translations"),
        RECURRING=recurring(),
    )
    encryption.keyring.use(settings.data_keys)
    database.clock.file = settings.clock_offset_file
    database.db.init_app(app)
    queue.init_app(app, settings.redis_url)
    locales.init_app(app)
    channels.init_app(app, settings)
    app.extensions.update(page_wanted=_asked("wanted"), incident_roles=_asked("with_role"))
    app.extensions.update(staff_changes=_around_staff, people_heard=_heard)
    people = _Later("incident.subject_communication.source")
    app.extensions.update(people_told=_people_told, sending_sources={"communication": people})
    return app


def _asked(name: str) -> Callable[[str, str], Any]:
    """What pages ask of incidents, by name; who asks nothing loads nothing."""

    def ask(about: str, what: str) -> Any:
        return getattr(import_module("incident.paged"), name)(about, what)

    return ask


def _people_told(*told: Any) -> Any:
    return import_module("incident.subject_communication.source").told(*told)


class _Later:
    """A module that is loaded once somebody asks it for something."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, asked: str) -> Any:
        return getattr(import_module(self._name), asked)


def _around_staff(*staff: Any, **told: Any) -> Any:
    """What goes around a change of who works here and may be paged; who changes nobody loads nothing."""
    return import_module("notifications.rota.leaving").around(*staff, **told)


def _heard(sender: str, body: str, now: Any) -> Any:
    """What becomes of a text message that answers no page; who gets none loads nothing."""
    return import_module("incident.heard").texted(sender, body, now)


def recurring() -> tuple[tuple[str, str, float, str], ...]:
    """Every duty of the clock, in one list: its name, what it runs, seconds between, the bell it hears.

    What is due is always a timestamp in the database; a round that is missed makes it late, never lost.
    """
    return (
        ("sweep", "notifications.jobs.sweep", 1.0, "messages"),
        ("escalate", "notifications.jobs.escalate", 1.0, ""),
        ("leases", "notifications.jobs.end_leases", 2.0, ""),
        ("settle", "notifications.jobs.settle", 5.0, ""),
        ("poll", "notifications.jobs.poll", 30.0, ""),
        ("journal", "notifications.jobs.import_journal", 10.0, ""),
        ("alarms", "notifications.jobs.raise_alarms", 2.0, ""),
        ("probes", "notifications.jobs.send_probes", 5.0, ""),
        ("rota", "notifications.jobs.keep_rota", 60.0, ""),
        ("sendings", "notifications.sending.jobs.look", 1.0, "sendings"),
        ("sendings_settle", "notifications.sending.jobs.settle", 5.0, ""),
        ("roles", "incident.jobs.fill_roles", 2.0, ""),
        ("handovers", "incident.jobs.hand_over", 20.0, ""),
        ("playbooks", "playbooks.jobs.tick", 1.0, "runs"),
        ("reconcile", "incident.jobs.reconcile", 5.0, ""),
        ("confirm", "incident.jobs.confirm_reports", 5.0, ""),
        ("advise", "incident.jobs.keep_advice", 15.0, ""),
        ("fit", "incident.jobs.start_playbooks", 5.0, ""),
        ("draft", "incident.jobs.draft_what_is_asked_for", 15.0, ""),
        ("customers", "incident.jobs.owe_customers", 2.0, ""),
        ("notices", "incident.jobs.tell_customers", 2.0, ""),
        ("duties", "incident.jobs.keep_duties", 2.0, ""),
        ("follow_ups", "incident.jobs.open_follow_ups", 5.0, ""),
        ("remind", "incident.jobs.remind_of_duties", 1.0, ""),
        ("lists", "incident.jobs.read_lists", 2.0, "lists"),
        ("strays", "incident.jobs.remove_stray_files", 3600.0, ""),
        ("forget", "incident.jobs.forget_refused", 3600.0, ""),
        ("contacts", "incident.jobs.forget_contacts", 60.0, ""),
        ("drills", "incident.drills.jobs.tick", 15.0, ""),
        ("heartbeat", "incident.jobs.tell_outside", 10.0, ""),
        ("plans", "incident.jobs.write_plans", 60.0, ""),
        ("letters", "incident.letter_posting.jobs.make_letters", 5.0, ""),
        ("places", "incident.public_notices.jobs.mind_places", 60.0, ""),
    )


class _Commands(click.Group):
    """The commands of all packages, each package loaded only when one of its commands is asked for."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        for module in COMMANDS:
            commands: tuple[click.Command, ...] = import_module(module).commands
            if found := next((each for each in commands if each.name == name), None):
                return found
        return None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(command.name for module in COMMANDS for command in import_module(module).commands)


def _create_for_command() -> Flask:
    try:
        return create_core()
    except SettingsError as wrong:
        raise click.ClickException(str(wrong)) from None


def _version() -> str:
    try:
        return metadata.version("breachclock")
    except metadata.PackageNotFoundError:
        return "from a checkout"


cli = _Commands(
    "breachclock", help="From a processor's report of a personal data breach to the record of it."
)
click.version_option(_version(), prog_name="breachclock")(cli)


def main() -> None:
    """The console script."""
    app = ScriptInfo(create_app=_create_for_command, set_debug_flag=False)
    app.data["folder"] = DATA
    cli.main(args=sys.argv[1:], prog_name="breachclock", obj=app)
