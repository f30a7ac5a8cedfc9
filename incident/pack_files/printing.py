"""A document of a notification as PDF: tagged (PDF/UA-1), for archives (PDF/A-2a), searchable.

The page is set by typst from templates/packs/printed/pack.typ. What people wrote is handed over as JSON and
set as text: nothing in it is read as markup, and nothing is read from the disk or the network for it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typst
from flask import current_app

from foundation import locales
from incident import drafting, packs
from incident.authorities import forms
from incident.drafting import Words
from incident.typesetting import line, paragraphs, strange

FOLDER: Final = "packs/printed"
TEMPLATE: Final = "pack.typ"
OWN_WORDS: Final = frozenset({"verbatim"})  # any other heading is not known to be the authority's own
LONG: Final = 400  # an answer of so many characters, or so many lines, may run over to the next page
LINES: Final = 8
TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Imprint:
    """What a pack says of itself besides the document.

    `number` is that of the incident, `count` that of the notification to this authority; instants are
    aware and shown in `zone` (IANA name). Approved is what has `approved_at`; all else is a draft.
    """

    organisation: str
    number: str
    count: int
    zone: str
    made_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    drill: bool = False

    @property
    def at(self) -> datetime:
        """The time the file carries: of the approval, so that an approved pack has the same bytes always."""
        return (self.approved_at or self.made_at).astimezone(UTC).replace(microsecond=0)


def pdf(content: Mapping[str, Any], imprint: Imprint) -> bytes:
    """The PDF of a document; the same bytes for the same document and imprint.

    Signs that the font has not are printed as their number, such as [U+1F600]. Needs an app context.
    Raises: typst.TypstError for a fault in the template.
    """
    told = page_of(content, imprint)
    folder = Path(current_app.config["DATA"]) / "templates" / FOLDER
    for _ in range(TRIES):
        try:
            return _set(folder, told, imprint.at)
        except typst.TypstError as fault:
            if not (refused := strange(fault.diagnostic)):
                raise
            told = _numbered(told, refused)
    return _set(folder, told, imprint.at)


def _set(folder: Path, told: Mapping[str, Any], at: datetime) -> bytes:
    return typst.compile(
        str(folder / TEMPLATE), root=str(folder), format="pdf", ignore_system_fonts=True, timestamp=at,
        pdf_standards=["ua-1", "a-2a"], sys_inputs={"pack": json.dumps(told, ensure_ascii=False)},
    )  # fmt: skip


def _numbered(value: Any, refused: frozenset[str]) -> Any:
    """The same values with these signs told by their number."""
    if isinstance(value, str):
        return "".join(f"[U+{ord(sign):04X}]" if sign in refused else sign for sign in value)
    if isinstance(value, dict):
        return {key: _numbered(each, refused) for key, each in value.items()}
    return [_numbered(each, refused) for each in value] if isinstance(value, list) else value


# --- what the page says -------------------------------------------------------------------------


def page_of(content: Mapping[str, Any], imprint: Imprint) -> dict[str, Any]:
    """All that the template sets, as JSON values."""
    language = locales.choose(content["locale"])
    words = drafting.words_over(FOLDER, "pdf", language)
    fields = list(packs.fields(content))
    return {
        "language": language, "title": line(content["title"]), "short": line(content["title"]),
        "organisation": line(imprint.organisation), "keywords": [line(imprint.number)],
        "authority": line(drafting.name_of(content["authority"], language)),
        **_warning(words, imprint), "about": _about(words, content, imprint, fields),
        "notes": list(_notes(words, fields)), "numbered": any(each.get("number") for each in fields),
        "sections": [
            {"title": line(each["title"]), "fields": [_field(words, content, one) for one in each["fields"]]}
            for each in content["sections"] if each["fields"]
        ],
        "unanswered": words.word("pdf", "unanswered"), "page": words.word("pdf", "page"),
        "version": _version(words, content, imprint), "hash_label": words.word("pdf", "hash"),
        "hash": packs.fingerprint(content),
    }  # fmt: skip


def _warning(words: Words, imprint: Imprint) -> dict[str, str]:
    kind = "drill" if imprint.drill else "" if imprint.approved_at else "draft"
    return {
        "warning": words.word("pdf_warnings", kind) if kind else "",
        "warning_why": words.word("pdf_warnings", f"{kind}_why") if kind else "",
    }


def _about(
    words: Words, content: Mapping[str, Any], imprint: Imprint, fields: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    state = "approved" if imprint.approved_at else "draft"
    status = words.word(
        "pdf_states", state, approved_by=imprint.approved_by,
        made_at=words.instant(imprint.made_at, imprint.zone),
        approved_at=words.instant(imprint.approved_at, imprint.zone),
    )  # fmt: skip
    kind = content.get("kind", "initial")
    follows = [each["label"] for each in fields if each["to_follow"]]
    rows = [
        ("controller", imprint.organisation),
        ("authority", drafting.name_of(content["authority"], words.locale)),
        ("kind", words.word("pdf_kinds", kind)),
        ("reference", imprint.number),
        ("form", _form(content)),
        ("status", status),
        ("follows", "\n".join(follows)),
    ]
    return [
        {"label": words.word("pdf_about", key), "value": paragraphs(value)} for key, value in rows if value
    ]


def _form(content: Mapping[str, Any]) -> str:
    """The form that a document follows, by its own name; nothing of documents that follow none."""
    used = content.get("form")
    if not used:
        return ""
    named = [form.name for form in forms.all_forms().get(used["key"], ()) if form.version == used["version"]]
    return ", ".join([*named[:1], used["version"]]) if named else f"{used['key']}, {used['version']}"


def _version(words: Words, content: Mapping[str, Any], imprint: Imprint) -> str:
    used = content.get("form") or {"key": f"schema {content['schema']}", "version": "–"}
    return line(
        words.word(
            "pdf", "version", number=imprint.number, count=imprint.count, form=used["key"],
            version=used["version"],
        )
    )  # fmt: skip


def _notes(words: Words, fields: list[dict[str, Any]]) -> Iterator[str]:
    """What the marks mean that stand in this pack."""
    if any(_is_ours(each) for each in fields):
        yield words.word("pdf", "own_words")
    if any(each["to_follow"] for each in fields):
        yield words.word("pdf", "follows_note")
    if any(each["as_told"] for each in fields):
        yield words.word("pdf", "told_note")


def _field(words: Words, content: Mapping[str, Any], field: Mapping[str, Any]) -> dict[str, Any]:
    language, answer, marks = _language(content, field), paragraphs(field["answer"]), []
    if field["to_follow"]:
        marks.append(words.word("pdf", "to_follow"))
    if field["as_told"]:
        marks.append(_not_translated(words, language))
    if field["key"] in _claimed(content):
        marks.append(words.word("pdf", "secrecy"))
    return {
        "number": str(field.get("number") or ""), "label": line(field["label"]), "ours": _is_ours(field),
        "answer": answer, "language": _tag(language), "marks": marks,
        "long": len(field["answer"]) > LONG or sum(map(len, answer)) > LINES,
    }  # fmt: skip


def _language(content: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    """In which language an answer stands that nobody translated; "" where that is not known."""
    if not field["as_told"]:
        return ""
    answers = content.get("answers", {})
    told = [answers[path] for path in field.get("paths", ()) if path in answers]
    return next((each["language"] for each in told if each["as_told"] and each["language"]), "")


def _claimed(content: Mapping[str, Any]) -> frozenset[str]:
    """The keys of the fields for which secrecy is claimed."""
    rows = packs.answer(content, packs.CLAIMS) or ()
    return frozenset(row["field"] for row in rows if isinstance(row, dict))


def _not_translated(words: Words, language: str) -> str:
    if not language:
        return words.word("pdf", "not_translated")
    named = locales.language(language, words.locale)
    return words.word("pdf", "not_translated_from", language=named)


def _is_ours(field: Mapping[str, Any]) -> bool:
    return field.get("wording", "proposed") not in OWN_WORDS


def _tag(language: str) -> str:
    """A language as typst takes it: two or three letters, or nothing."""
    return language.lower() if re.fullmatch("[a-zA-Z]{2,3}", language) else ""
