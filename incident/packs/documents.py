"""The notification as a document: what is known by path, laid out as one form asks it, in its language.

What is known stands by the paths of the normal form, so that one entry of facts serves every authority. What
the form shows is laid out from it at every change and kept with it: an approval is of these very words.
"""

import hashlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import rfc8785
from flask_babel import gettext as _

from incident import drafting, filling
from incident.authorities.forms import form_for
from incident.drafting import Material
from incident.filling import FilingKind, Told
from incident.packs import computed, former, values
from incident.packs.article import REASONS
from incident.packs.layout import asking_why, form_in, laid_out
from incident.packs.reading import NotTaken, Reader, Typed, as_typed, cleaned, with_besides
from incident.packs.values import CLAIMS, Entry
from incident.rules.form_answers import is_known
from incident.rules.forms import COMPLETENESS, INCOMPLETE, Form

SCHEMA: Final = 2
# Who gets it, by which law, and whether it is the first: that follows from the duty and is nobody's to type;
# what is to be kept secret is asked for in a step of its own.
FIXED: Final = frozenset({"notification.authority_code", "notification.regime", "notification.type", CLAIMS})
# Who answers for it, whom to ask, and why it is late: needed at once (GDPR art. 33(1), 33(3)(b) and 33(4)).
_NEEDED_NOW: Final = ("notification.", "controller.", "reporter.", "dpo.", "contact_point.")


def document(
    material: Material, authority: str, *, told: Told, kind: FilingKind = "initial", now: datetime
) -> dict[str, Any]:
    """The notification to an authority (its key) as it would be filed now, as JSON values."""
    form = form_for(authority, now.astimezone(ZoneInfo(material.zone)).date())
    words = drafting.pack_words(authority, form.language)
    filled = filling.fill(material, authority, told, kind=kind, now=now, words=words)
    answers = {
        path: values.entry(each.value, each.source, as_told=each.as_told, language=each.language)
        for path, each in filled.items()
    }
    content = {
        "schema": SCHEMA, "authority": authority, "kind": kind,
        "form": {"key": form.key, "version": form.version}, "locale": form.language, "title": "",
        "answers": answers, "sections": [],
    }  # fmt: skip
    late = values.value_of(answers, values.LATE) is True
    return _finished(content, form, zone=material.zone, late=late)


def fingerprint(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of a document."""
    return hashlib.sha256(rfc8785.dumps(dict(content))).hexdigest()


def fields(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every field of a document, in its order; also of one of schema 1."""
    for section in content["sections"]:
        yield from section["fields"]


def is_former(content: Mapping[str, Any]) -> bool:
    """Whether a document has the shape of schema 1, which is shown and filed but edited no more."""
    return bool(content["schema"] < SCHEMA)


def answer(content: Mapping[str, Any], path: str) -> Any:
    """The value at a path, or None; of schema 1 the text of that field, "" where there is none."""
    if is_former(content):
        return next((str(each["answer"]) for each in fields(content) if each["key"] == path), "")
    return values.value_of(content["answers"], path)


def reasons_for_delay(content: Mapping[str, Any]) -> str | None:
    """Why it is late, as the document says it; None where it says nothing."""
    return answer(content, former.REASONS if is_former(content) else REASONS) or None


def follows(content: Mapping[str, Any]) -> bool:
    """Whether the text says that it is incomplete (GDPR art. 33(4)), so that more is owed after the filing.

    By a mark, by a box that says that something is not known yet, or by a person's word; of schema 1 by marks
    alone.
    """
    if is_former(content):
        return any(each["to_follow"] for each in fields(content))
    return bool(answer(content, COMPLETENESS) == INCOMPLETE)


def may_follow(content: Mapping[str, Any]) -> frozenset[str]:
    """The paths that the form shows and that may be left to a later phase (GDPR art. 33(4))."""
    shown = {path for each in fields(content) for path in each["paths"]}
    return frozenset(
        path for path in shown
        if not path.startswith(_NEEDED_NOW) and path not in (REASONS, "timeline.aware_at")
    )  # fmt: skip


def labels(content: Mapping[str, Any]) -> dict[str, str]:
    """What the form calls the field of each path, by path; of schema 1 by the field's key."""
    if is_former(content):
        return {each["key"]: each["label"] for each in fields(content)}
    found: dict[str, str] = {}
    for field in form_in(content).fields():
        for path in field.paths():
            found.setdefault(path, field.label)
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The paths whose value differs between two documents; of a former one every path that is known."""
    was = {} if is_former(before) else before["answers"]
    paths = sorted(was.keys() | after["answers"].keys())
    return [each for each in paths if values.value_of(was, each) != values.value_of(after["answers"], each)]


def typed(content: Mapping[str, Any], zone: str) -> dict[str, list[str]]:
    """What somebody would have typed for every answer, by path, to begin an edit with: times are local."""
    known = values.told_paths()
    found: dict[str, list[str]] = {}
    for path, each in content["answers"].items():
        if path in known:
            found |= as_typed(known[path], each["value"], zone)
    return found


# --- changes ---------------------------------------------------------------------------------------


def with_changes(
    content: Mapping[str, Any], said: Typed, to_follow: frozenset[str] | None, by: str, *,
    zone: str, late: bool, in_language: frozenset[str] = frozenset(),
) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    """The document with what a person said by path, and the paths that changed.

    `said` is what was typed, as `typed` gives it. A path that is not in it stays as it is, one that is empty
    is emptied: for boxes send "" besides.
    Times are local to `zone` (IANA name). `to_follow` are all the paths that are to follow (None: as they
    are); an answered one is not. `in_language`: texts that stand in the form's language as they were told.
    `late`: whether the deadline has passed. Raises: NotTaken naming each path and why.
    """
    form, made = form_in(content), deepcopy(dict(content))
    answers, changed = made["answers"], []
    asked = {field.answers[0]: field for field in form.fields() if field.answers}
    said = with_besides(said)
    reader = Reader(said, asked, zone)
    for path, known in values.told_paths().items():
        before = answers.get(path) or values.entry(None, "")
        after = dict(before)
        if path in said and not (known.internal or path in FIXED) and reader.differs(known, before["value"]):
            value = reader.read(known, before["value"])
            after = values.entry(value, by, language=made["locale"]) | {"edited": True}
        if path in in_language and values.untranslated(after, made["locale"]):
            after |= {"source": by, "as_told": False, "edited": True, "language": made["locale"]}
        if to_follow is not None:
            after["to_follow"] = path in to_follow and not is_known(after["value"])
        after["to_follow"] = after["to_follow"] and not is_known(after["value"])
        if after != before:
            answers[path] = after
            changed.append(path)
    reader.raise_faults()
    return _finished(made, form, zone=zone, late=late), changed


def as_of(content: Mapping[str, Any], *, zone: str, late: bool, reasons: str = "") -> dict[str, Any]:
    """The document as the form asks it now: once the deadline has passed it asks for the reasons as well.

    `reasons` are those that were written down meanwhile, as they were told: of the initial notification they
    stand there where no person has written others into it.
    """
    made = deepcopy(dict(content))
    told = made["answers"].get(REASONS)
    if late and reasons and made["kind"] == "initial" and not (told and told["edited"]):
        made["answers"][REASONS] = values.entry(reasons, "duty", as_told=True)
    return _finished(made, form_in(made), zone=zone, late=late)


def with_claims(
    content: Mapping[str, Any], claims: Mapping[str, str], by: str, *, zone: str, late: bool
) -> dict[str, Any]:
    """The document with what secrecy is claimed for: reasons by the keys of fields; {} says for nothing.

    Raises: NotTaken naming each field that the document does not show, or that has no reason.
    """
    shown = {each["key"] for each in fields(content)}
    faults = {key: [_("This notification has no such field.")] for key in claims if key not in shown}
    reasons = {key: cleaned(text) for key, text in claims.items()}
    for key, text in reasons.items():
        if not text:
            faults.setdefault(key, []).append(_("Say why this is to be kept secret, and by which provision."))
    if faults:
        raise NotTaken(faults, {})
    made = deepcopy(dict(content))
    order = (each["key"] for each in fields(content))
    rows = [{"field": key, "reason": reasons[key]} for key in order if key in reasons]
    made["answers"][CLAIMS] = values.entry(rows, by, language=made["locale"]) | {"edited": True}
    return _finished(made, form_in(made), zone=zone, late=late)


def asking_secrecy(content: Mapping[str, Any], *, zone: str, late: bool) -> dict[str, Any]:
    """The document with nobody's word yet on what is secret; what was claimed before stays, to be offered."""
    made = deepcopy(dict(content))
    if claims := made["answers"].get(CLAIMS):
        claims["edited"] = False
    return _finished(made, form_in(made), zone=zone, late=late)


def renewed(content: Mapping[str, Any], fresh: Mapping[str, Any], *, zone: str) -> dict[str, Any]:
    """A fresh document that keeps what people wrote into the former one, also one of schema 1."""
    made = deepcopy(dict(fresh))
    form, written = form_in(made), content.get("answers", {})
    if is_former(content):
        written = former.written(content, form, made["answers"])
    for path, before in written.items():
        if before["edited"] or path == CLAIMS:
            made["answers"][path] = deepcopy(before)
        elif before["to_follow"] and not is_known(values.value_of(made["answers"], path)):
            made["answers"][path] = {**values.entry(None, before["source"]), "to_follow": True}
    late = values.value_of(made["answers"], values.LATE) is True
    return _finished(made, form, zone=zone, late=late)


def _finished(content: dict[str, Any], form: Form, *, zone: str, late: bool) -> dict[str, Any]:
    """Say what follows from the answers, and lay them out."""
    answers: dict[str, Entry] = content["answers"]
    words = drafting.pack_words(content["authority"], content["locale"])
    title = words.word("document", "title")
    kind = content["kind"]
    content["title"] = title if kind == "initial" else f"{title}: {words.word('document', kind)}"
    computed.compute(answers, kind, late=late)
    computed.drop_hidden_marks(answers, form)
    computed.say_status(answers, kind, form)
    content["answers"] = dict(sorted(answers.items()))
    content["sections"] = laid_out(asking_why(form, content), content["answers"], words=words, zone=zone)
    return content
