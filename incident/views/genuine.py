"""The page where people check that a message is genuine, by its code; and what staff sees of wrong ones.

Whoever holds a code may look, hence no sign-in; nothing of the person stands behind it. The page says what
the message said, and never to whom it went.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from accounts import throttling
from accounts.models import Organisation
from accounts.permissions import Permission, current_staff, open_to_all, requires
from foundation import locales
from foundation.database import db, everyone, transaction, utcnow
from foundation.http import csrf, limiter
from incident import drafting, genuine, letters, quarantine, wrong_codes
from incident.genuine import Found, Genuine
from incident.rules.proof import terms

bp = Blueprint("genuine", __name__)
P = ParamSpec("P")
R = TypeVar("R")
WHY: Final = "Who was told of a breach checks that the message is ours; the code on it says nothing of them."
STATUS: Final = {Found.SLIP: 422, Found.EMPTY: 422, Found.WRONG: 404, Found.NOT_SENT: 404}
_scribe = quarantine.Scribe()


def _minute() -> str:
    limits = terms(utcnow())
    return f"{limits.looks_per_minute} per minute; {limits.looks_per_hour} per hour"


def _everybody() -> str:
    return f"{terms(utcnow()).looks_per_hour_of_all} per hour"


def _any_address() -> str:
    return "codes"


@bp.get("/g")
@open_to_all(WHY)
def ask() -> ResponseReturnValue:
    """Where a code is typed."""
    _speak()
    return _page(None, "")


def _without_token(view: Callable[P, R]) -> Callable[P, R]:
    """No token is asked for: nobody is signed in here, so a foreign page gains nothing by sending a form."""
    return cast(Callable[P, R], csrf.exempt(view))


@bp.post("/g")
@_without_token
@limiter.limit(_minute, key_func=throttling.by_address)
@limiter.limit(_everybody, key_func=_any_address)
@open_to_all(WHY)
def check() -> ResponseReturnValue:
    """What the typed code is."""
    return _checked(request.form.get("code", ""))


@bp.get("/g/<code>")
@limiter.limit(_minute, key_func=throttling.by_address)
@limiter.limit(_everybody, key_func=_any_address)
@open_to_all(WHY)
def show(code: str) -> ResponseReturnValue:
    """The same by the link in the message."""
    return _checked(code)


def _checked(typed: str) -> ResponseReturnValue:
    with everyone():
        _speak()
        looked = genuine.look(typed, locales.current())
        if looked.genuine is not None:
            locales.prefer(locales.current(), looked.genuine.zone)
        if wrong_codes.note(looked):
            _scribe.wake(current_app._get_current_object(), write_down)  # type: ignore[attr-defined]  # noqa: SLF001
        return _page(looked, typed), STATUS.get(looked.found, 200)


def _page(looked: genuine.Looked | None, typed: str) -> str:
    found = looked.genuine if looked else None
    return render_template(
        "genuine/check.html", looked=looked, found=found, typed=typed[:40], whom=_only_organisation(),
        said=letters.read_by_anybody(found.parts, found.locale) if found else (),
        questions=questions(found, locales.current()) if found else (),
    )  # fmt: skip


def _speak() -> None:
    chosen = locales.known(request.values.get("lang"))
    locales.prefer(chosen, "UTC")


def questions(found: Genuine, locale: str) -> list[dict[str, str]]:
    """What people ask, answered in a language; those of templates/communications."""
    names = {"organisation": found.organisation, "authority": found.authority}
    return [
        {"ask": str(each["ask"]).format(**names), "answer": str(each["answer"]).format(**names)}
        for each in _read(locale)["question"]
    ]


def _read(locale: str) -> dict[str, Any]:
    folder = Path(current_app.config["DATA"]) / "templates" / "communications"
    return tomllib.loads((folder / f"{locales.choose(locale)}.toml").read_text("utf-8"))


def _only_organisation() -> dict[str, Any] | None:
    """Whom to tell of a false message, where all here belongs to one organisation; else nobody is named."""
    with everyone():
        there = db.session.scalars(select(Organisation).limit(2)).all()
        if len(there) != 1:
            return None
        return {"name": there[0].name, "contact": drafting.contact_of(there[0])}


def write_down() -> None:
    """Write down which wrong codes were typed, and tell staff where they are many."""
    waiting = wrong_codes.taken()
    try:
        with everyone(), transaction():
            wrong_codes.write_down(waiting, now=utcnow())
    except BaseException:
        wrong_codes.give_back(waiting)
        raise


@bp.get("/wrong-codes")
@requires(Permission.SEE_INCIDENTS)
def wrong() -> ResponseReturnValue:
    """How many wrong codes were typed, by the hour, and what to do about them."""
    with everyone():
        rows = wrong_codes.listed(current_staff().organisation_id)
    return render_template("incident/wrong_codes.html", rows=rows, limits=terms(utcnow()))
