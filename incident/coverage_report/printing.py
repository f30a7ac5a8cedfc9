"""A coverage report as PDF: tagged (PDF/UA-1), for archives (PDF/A-2a), in four languages.

Set by typst from templates/coverage/report.typ; everything told is handed over as JSON and set as text.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import typst
from flask import current_app

from foundation import locales
from incident import drafting
from incident.coverage_report.counting import unsaid
from incident.drafting import Words
from incident.typesetting import line, strange

FOLDER: Final = "coverage"
TEMPLATE: Final = "report.typ"
TRIES: Final = 4
COLUMNS: Final = ("people", "delivered", "posted", "settled", "under_way", "left")
WIDE: Final = {"left": 3, "letters": 4, "files": 5}  # columns of the tables that count other things


def pdf(document: Mapping[str, Any], sha256: str, signature: str, locale: str) -> bytes:
    """The PDF of a report; signs that the font has not are printed as their number."""
    told = page_of(document, sha256, signature, locale)
    folder = Path(current_app.config["DATA"]) / "templates" / FOLDER
    at = datetime.fromisoformat(document["made_at"]).astimezone(UTC).replace(microsecond=0)
    for _ in range(TRIES):
        try:
            return _set(folder, told, at)
        except typst.TypstError as fault:
            if not (refused := strange(fault.diagnostic)):
                raise
            told = _numbered(told, refused)
    return _set(folder, told, at)


def _set(folder: Path, told: Mapping[str, Any], at: datetime) -> bytes:
    return typst.compile(
        str(folder / TEMPLATE), root=str(folder), format="pdf", ignore_system_fonts=True, timestamp=at,
        pdf_standards=["ua-1", "a-2a"], sys_inputs={"report": json.dumps(told, ensure_ascii=False)},
    )  # fmt: skip


def _numbered(value: Any, refused: frozenset[str]) -> Any:
    if isinstance(value, str):
        return "".join(f"[U+{ord(sign):04X}]" if sign in refused else sign for sign in value)
    if isinstance(value, dict):
        return {key: _numbered(each, refused) for key, each in value.items()}
    return [_numbered(each, refused) for each in value] if isinstance(value, list) else value


def page_of(document: Mapping[str, Any], sha256: str, signature: str, locale: str) -> dict[str, Any]:
    """All that the template sets, as JSON values."""
    language = locales.choose(locale)
    words = drafting.words_over(FOLDER, "coverage", language)
    zone, people = document["zone"], document["people"]
    of_all = {"told": people["delivered"] + people["posted"], "people": people["people"]}
    return {
        "language": language, "title": line(_say(words, "title", number=document["incident"])),
        "organisation": line(document["organisation"]),
        "warning": _say(words, "drill") if document["drill"] else "",
        "lead": line(_say(words, "lead", **of_all)), "about": _about(words, document, zone),
        "headers": [words.word("coverage_columns", each) for each in COLUMNS],
        "tables": list(_tables(words, document, language)), "lists": _lists(words, document, language),
        "means_title": _say(words, "means_title"),
        "means": [
            {"label": words.word("coverage_columns", key), "text": words.word("coverage_means", key)}
            for key in (*COLUMNS[1:], "not_begun")
        ],
        "page": _say(words, "page"),
        "version": line(_say(words, "version", number=document["incident"], report=document["number"])),
        "hash_label": _say(words, "hash"), "hash": sha256,
        "signature_label": _say(words, "signature"), "signature": signature,
    }  # fmt: skip


def _say(words: Words, key: str, **values: object) -> str:
    return words.word("coverage", key, **values)


def _about(words: Words, document: Mapping[str, Any], zone: str) -> list[dict[str, str]]:
    approval, times, people = document["approval"], document["times"], document["people"]

    def by(who: str | None, at: str | None) -> str:
        shown = words.instant(datetime.fromisoformat(at), zone) if at else ""
        return ", ".join(filter(None, (who or "", shown)))

    rows = {
        "communication": f"{document['incident']}, {document['communication']}",
        "made": by(document["made_by"], document["made_at"]),
        "drafted": by(approval["drafted_by"], approval["drafted_at"]),
        "approved": by(approval["approved_by"], approval["approved_at"]),
        "sent": by(approval["sent_by"], approval["sent_at"]),
        "first_proof": by("", times["first_proof_at"]), "last_proof": by("", times["last_proof_at"]),
        "state": words.word("coverage_states", times["state"]) if times["state"] else "",
        "not_begun": str(people["not_begun"]) if people["not_begun"] else "",
        "content": approval["content_sha256"],
    }  # fmt: skip
    return [
        {"label": words.word("coverage_about", key), "value": line(value)}
        for key, value in rows.items() if value
    ]  # fmt: skip


def _tables(words: Words, document: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    def named(kind: str, key: str) -> str:
        if kind == "channel":
            return words.word("coverage_channels", key)
        if not key:
            return words.word("coverage", "not_told")
        return locales.country(key, language) if kind == "country" else locales.language(key, language)

    found: list[dict[str, Any]] = [
        {
            "title": words.word("coverage_tables", kind),
            "first": words.word("coverage_firsts", kind),
            "rows": [
                [line(named(kind, each[kind])), *(_number(each[column], language) for column in COLUMNS)]
                for each in document[f"by_{kind}"]
            ],
        }
        for kind in ("channel", "country", "language")
    ]
    whole = [line(_say(words, "everybody")), *(_number(document["people"][c], language) for c in COLUMNS)]
    found[0]["rows"].append(whole)
    return found


def _lists(words: Words, document: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """What is counted by other columns: who is left and why, letters, lists. Each with its own headers."""
    left = [
        [_reason(words, each["reason"] or unsaid(document["times"]["state"], each["channel"])),
         words.word("coverage_channels", each["channel"]), _number(each["people"], language)]
        for each in document["left_by_reason"]
    ]  # fmt: skip
    letters = [
        [str(each["run"]), _number(each["letters"], language), _day(words, each["posted_on"], language),
         line(", ".join(filter(None, (each["posted_with"], each["posted_by"]))))]
        for each in document["letters"]
    ]  # fmt: skip
    files = [
        [str(each["number"]), _number(each["people"], language), _number(each["folded_rows"], language),
         _number(each["faulty_rows"], language), each["rows_sha256"]]
        for each in document["lists"]
    ]  # fmt: skip
    told = {"left": left, "letters": letters, "files": files}
    return [
        {
            "title": words.word("coverage_tables", key), "rows": rows,
            "headers": [words.word(f"coverage_{key}", str(n)) for n in range(1, WIDE[key] + 1)],
            "none": words.word("coverage_none", key),
        }
        for key, rows in told.items()
    ]  # fmt: skip


def _reason(words: Words, code: str) -> str:
    return words.word("coverage_reasons", code) if words.has("coverage_reasons", code) else line(code)


def _day(words: Words, day: str | None, language: str) -> str:
    return locales.date_of(date.fromisoformat(day), language) if day else _say(words, "not_posted")


def _number(count: int, language: str) -> str:
    """A number with its thousands apart, by a space that does not break (English: a comma)."""
    return f"{count:,}" if language == "en" else f"{count:,}".replace(",", "\u00a0")
