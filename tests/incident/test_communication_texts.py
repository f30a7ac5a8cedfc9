"""What people are told of a breach is whole, as the authority was told it, and in their own language."""

from dataclasses import replace
from datetime import UTC, date, datetime
from shutil import copytree
from typing import get_args

import pytest
from flask_babel import force_locale

from incident import letters
from incident.communication_texts import drafts, jargon, measures, parts, reading
from incident.communication_texts.catalog import OF_ALL, OF_KIND, Catalog
from incident.communication_texts.drafts import Authority, Contact, Known
from incident.communication_texts.measures import Measures
from incident.rules.vocabulary import DataCategory
from tests.contracts.codebase import ROOT

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TEXTS = Catalog(ROOT / "templates")
LANGUAGES = ("da", "nb", "sv", "en")
KINDS = (
    "credentials",
    "general",
    "insider",
    "lost_access",
    "lost_device",
    "published",
    "stolen",
    "wrong_recipient",
)
TOLD = Measures(
    "en", done=("The key is blocked.", "The file was deleted"), planned=("All keys are changed.",)
)
KNOWN = Known(
    controller="ProMark A/S", processor="HostCo ApS",
    first_day=date(2026, 11, 3), last_day=date(2026, 11, 5),
    data=("name", "national_id", "login_credentials"), not_affected=("health",),
    consequences=("identity_theft", "phishing"), measures=TOLD,
    contact=Contact("Dorthe Friis", "+45 46 90 00 00", "dpo@promark.example", officer=True),
    authority=Authority(
        {"da": "Datatilsynet", "nb": "Datatilsynet i Danmark", "sv": "Datatilsynet i Danmark",
         "en": "Danish Data Protection Agency"}, "https://www.datatilsynet.dk/", date(2026, 11, 6),
    ),
    page="https://promark.example/sag",
)  # fmt: skip


def written(kind="stolen", locale="en", known=KNOWN, **changes):
    """A draft as a person has made it whole: nothing in brackets is left."""
    found = drafts.draft(TEXTS, kind, locale, known)
    nature = found["nature"].replace(TEXTS.shared(locale, "nature_open"), "").strip()
    heading = drafts.planned_heading(TEXTS, locale)
    done, planned = measures.split(found["measures"], heading)
    both = measures.joined(changes.pop("done", done), changes.pop("planned", planned), heading)
    return {**found, "nature": nature, "measures": both, **changes}


def found_in(told, locale="en", known=KNOWN):
    return parts.check(TEXTS, told, locale, known, now=NOW)


def codes(told, locale="en", known=KNOWN, *, grave=True):
    return [(each.part, each.code) for each in found_in(told, locale, known) if each.grave == grave]


# --- the texts ----------------------------------------------------------------------------------


def test_every_kind_of_breach_has_a_notice_in_every_language_that_is_shipped():
    assert set(KINDS) <= set(TEXTS.kinds)
    assert [
        (kind, locale, TEXTS.missing(kind, locale))
        for kind in TEXTS.kinds for locale in LANGUAGES if TEXTS.missing(kind, locale)
    ] == []  # fmt: skip


def test_every_text_has_the_names_it_needs_and_nothing_lies_there_that_is_not_read():
    assert TEXTS.faults() == []


@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_draft_says_nothing_of_another_language_and_leaves_no_name_open(locale):
    for kind in TEXTS.kinds:
        said = drafts.document(TEXTS, drafts.draft(TEXTS, kind, locale, KNOWN), locale, "Åsa Öberg")

        assert f"[{locale}:" not in said
        assert "{" not in said
        assert "Åsa Öberg" in said
        assert "HostCo ApS" in said
        assert KNOWN.authority.names[locale] in said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_our_own_sentences_are_plain_and_pass_every_check_once_a_person_has_made_them_true(kind, locale):
    told = written(kind, locale, replace(KNOWN, measures=replace(TOLD, locale=locale)))
    told["nature"] = told["nature"].replace("[", "").replace("]", "")
    found = found_in(told, locale, replace(KNOWN, measures=replace(TOLD, locale=locale)))
    plain = reading.read("\n\n".join(told[each] for each in parts.BODY), locale, now=NOW)

    assert found == []
    assert plain.enough
    assert plain.band in ("very_easy", "easy")
    assert jargon.hints(drafts.document(TEXTS, told, locale, ""), locale) == ()


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_kind_of_information_is_called_by_a_word_that_people_use(locale):
    said = {each: TEXTS.data(locale, [each]) for each in get_args(DataCategory) if each != "unspecified"}

    assert [each for each in said.values() if each.startswith("[") or jargon.hints(each, locale)] == []


def test_a_language_is_added_by_adding_files_and_what_it_lacks_is_shown(tmp_path):
    copytree(ROOT / "templates/communications", tmp_path / "communications")
    copytree(ROOT / "templates/packs/generic", tmp_path / "packs/generic")
    (tmp_path / "communications/stolen/fi.toml").write_text('subject = "Tietosi on varastettu"\n')
    texts = Catalog(tmp_path)
    told = drafts.draft(texts, "stolen", "fi", KNOWN)

    assert "fi" in texts.languages
    assert told["subject"] == "Tietosi on varastettu"
    assert told["nature"].startswith("[fi: stolen.nature]")
    assert "stolen.nature" in texts.missing("stolen", "fi")
    assert "every.rights" in texts.missing("stolen", "fi")
    assert ("nature", "brackets") in codes(told, "fi")
    assert ("consequences", "unchecked") in codes(told, "fi", grave=False)


def test_a_kind_is_added_by_adding_files(tmp_path):
    copytree(ROOT / "templates/communications", tmp_path / "communications")
    copytree(tmp_path / "communications/stolen", tmp_path / "communications/changed")

    assert "changed" in Catalog(tmp_path).kinds
    assert Catalog(tmp_path).missing("changed", "da") == ()


@pytest.mark.parametrize(
    ("line", "code"),
    [("", "missing"), ('nature = "{when} {whom}"', "names"), ('nature = "{when"', "names"),
     ('nature = "{when} {where}"\nextra = "x"', "unknown")],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named(tmp_path, line, code):
    copytree(ROOT / "templates/communications", tmp_path / "communications")
    rest = "\n".join(f'{key} = "x"' for key in OF_KIND if key != "nature")
    (tmp_path / "communications/stolen/da.toml").write_text(f"{rest}\n{line}\n")

    assert [(each.file, each.code) for each in Catalog(tmp_path).faults()] == [("stolen/da.toml", code)]


@pytest.mark.parametrize("name", ["../../packs/generic", "no_such_kind", ""])
def test_a_kind_or_language_that_is_not_there_opens_no_file(name):
    assert TEXTS.text(name, "da", "subject") == f"[da: {name}.subject]"
    assert TEXTS.shared(f"../{name}", "bye").startswith("[")
    assert len(TEXTS.missing("stolen", name)) == len(OF_KIND) + len(OF_ALL)


# --- what is known and what is not --------------------------------------------------------------


def test_what_nobody_knows_stands_in_brackets_for_a_person_to_write():
    told = drafts.draft(TEXTS, "stolen", "da", Known(controller="ProMark A/S"))

    for part in ("nature", "data", "consequences", "measures", "rights", "contact"):
        assert letters.has_brackets(told[part]), part
    assert told["nature"].startswith("For nylig")


@pytest.mark.parametrize(
    ("locale", "said"),
    [("da", "Mellem den 3. november 2026 og den 5. november 2026"), ("sv", "Mellan den 3 november 2026"),
     ("nb", "Mellom 3. november 2026 og 5. november 2026"), ("en", "Between 3 November 2026")],
)  # fmt: skip
def test_the_days_are_written_as_the_reader_writes_them(locale, said):
    assert drafts.draft(TEXTS, "stolen", locale, KNOWN)["nature"].startswith(said)


def test_one_day_is_not_called_a_period():
    one = replace(KNOWN, last_day=KNOWN.first_day)

    assert drafts.draft(TEXTS, "stolen", "en", one)["nature"].startswith("On 3 November 2026, ")


def test_advice_fits_the_information_that_is_affected():
    told = drafts.draft(TEXTS, "stolen", "da", KNOWN)["advice"]

    assert "Skift adgangskode" in told
    assert "kreditadvarsel" in told
    assert "konto" not in told


def test_measures_are_given_in_the_words_of_the_notification_and_never_translated_by_a_machine():
    english, danish = (drafts.draft(TEXTS, "stolen", each, KNOWN) for each in ("en", "da"))

    assert english["measures"] == (
        "– The key is blocked.\n– The file was deleted\n\nWhat we will do\n– All keys are changed."
    )
    assert danish["measures"].startswith("[Skriv på dansk")
    assert "The key is blocked." in danish["measures"]
    assert ("measures", "brackets") in codes(danish, "da")


def test_braces_in_what_people_told_are_text_and_nothing_else():
    odd = replace(KNOWN, controller="{page}", processor="A{0}B", contact=Contact("{name}", "+4512345678"))
    told = drafts.draft(TEXTS, "stolen", "en", odd)

    assert (told["sender"], "A{0}B" in told["nature"], "{name}" in told["contact"]) == ("{page}", True, True)


def test_signs_that_nobody_sees_are_taken_out_and_long_texts_cut():
    told = drafts.cleaned(
        {"subject": "A\r\nBcc: x\u202e", "nature": "a\x00b\r\nc" + "d" * 9000, "other": "x"}
    )

    assert told["subject"] == "A Bcc: x"
    assert told["nature"].startswith("ab\ncd")
    assert len(told["nature"]) == 4000
    assert "other" not in told


# --- the parts of article 34 --------------------------------------------------------------------


def test_a_whole_notice_has_nothing_in_the_way_of_its_approval():
    assert found_in(written()) == []


@pytest.mark.parametrize("part", ["nature", "contact", "consequences", "measures", "subject", "sender"])
@pytest.mark.parametrize("empty", ["", " ", "\n–\n", "…", "\u200b"])
def test_a_notice_without_one_of_the_parts_of_article_34_is_not_approved(part, empty):
    assert (part, "missing") in codes(written(**{part: empty}))


@pytest.mark.parametrize("part", ["data", "advice", "rights"])
def test_what_people_need_besides_is_asked_for_as_well(part):
    assert (part, "expected") in codes(written(**{part: " "}))


@pytest.mark.parametrize("part", drafts.PARTS)
def test_a_notice_with_brackets_left_anywhere_is_not_approved(part):
    assert (part, "brackets") in codes(written(**{part: "Text [say what] and more of it"}))


@pytest.mark.parametrize("half", ["Text [say what", "what]"])
def test_half_a_pair_of_brackets_is_as_unwritten_as_a_whole_one(half):
    assert ("nature", "brackets") in codes(written(nature=half))


@pytest.mark.parametrize("slip", ["Dear {name}", "{Field:amount}", "{ field:amount}", "{field:amount"])
def test_braces_that_are_no_field_are_never_read_by_anybody(slip):
    assert ("nature", "braces") in codes(written(nature=slip))


def test_a_field_stands_in_the_text_and_not_in_who_writes():
    field = "{field:amount}"

    assert ("nature", "braces") not in codes(written(nature=field))
    assert ("sender", "braces") in codes(written(sender=field))


def test_only_languages_that_somebody_reads_must_be_whole():
    texts = {"en": written(), "nb": drafts.draft(TEXTS, "stolen", "nb", KNOWN)}

    assert parts.lacking(TEXTS, texts, ["en"], KNOWN, now=NOW) == []
    assert {each.locale for each in parts.lacking(TEXTS, texts, ["en", "nb"], KNOWN, now=NOW)} == {"nb"}


def test_a_language_that_somebody_reads_and_nobody_wrote_lacks_every_part():
    found = parts.lacking(TEXTS, {"en": written()}, ["en", "sv"], KNOWN, now=NOW)

    assert {each.part for each in found if each.code == "missing"} == set(parts.REQUIRED)


def test_a_finding_names_language_part_and_what_to_do(app):
    with app.test_request_context(), force_locale("en"):
        (empty,) = [
            each for each in found_in(written(locale="sv", advice=""), "sv") if each.code == "expected"
        ]
        (moved,) = [each for each in found_in(written(planned="– Nothing more is planned.")) if each.text]

        assert empty.said.startswith("Svenska: What the reader can do. ")
        assert "All keys are changed." in moved.said


@pytest.mark.parametrize(
    ("contact", "code"),
    [("Dorthe Friis", "no_channel"), ("dpo@promark.example", "no_name"), ("+45 46 90 00 00", "no_name"),
     ("Dorthe Friis, room 12", "no_channel")],
)  # fmt: skip
def test_a_contact_is_a_name_and_a_way_to_reach_it(contact, code):
    assert codes(written(contact=contact)) == [("contact", code)]


@pytest.mark.parametrize(
    "contact", ["Dorthe Friis, 46900000", "Reception, tlf. +45 4690 0000", "Å. Ek, a@b.example"]
)
def test_a_telephone_or_an_address_is_enough(contact):
    assert codes(written(contact=contact)) == []


@pytest.mark.parametrize(
    ("locale", "said"),
    [("en", "We take this very seriously. There is no reason to worry."),
     ("da", "Vi tager sagen alvorligt og beklager ulejligheden."),
     ("nb", "Vi tar saken alvorlig."), ("sv", "Vi ser på det på största allvar."),
     ("en", "Consequences cannot be ruled out.")],
)  # fmt: skip
def test_consequences_that_name_nothing_that_may_happen_are_no_consequences(locale, said):
    known = replace(KNOWN, measures=None)
    told = written(locale=locale, consequences=said, done="x", planned="x")

    assert ("consequences", "hollow") in codes(told, locale, known)


def test_a_phrase_that_says_nothing_is_pointed_out_beside_one_that_does():
    told = written(consequences="We take this seriously. Somebody may borrow money in your name.")

    assert codes(told) == []
    assert ("consequences", "empty_phrase") in codes(told, grave=False)


def test_advice_must_tell_the_reader_something_to_do():
    assert codes(written(advice="More information will follow.")) == [("advice", "no_advice")]


def test_the_right_to_complain_names_the_authority():
    assert codes(written(rights="You can complain to the authority.")) == [("rights", "no_authority")]
    assert codes(written(rights="Complain to the Danish Data\nProtection Agency.")) == []


def test_days_that_are_known_and_left_out_are_pointed_out():
    assert ("nature", "no_period") in codes(written(nature="Somebody took a copy."), grave=False)


@pytest.mark.parametrize(
    "link", ["https://unknown.example/x", "http://promark.example.evil.example/sag", "www.other.example"]
)
def test_a_link_that_is_not_our_own_page_is_pointed_out(link):
    told = written(data=f"Your name. Read more on {link}.")

    assert [(each.code, each.text) for each in found_in(told)] == [("other_link", link)]


@pytest.mark.parametrize("link", ["https://bit.ly/x", "www.tinyurl.com/y", "t.co/z"])
@pytest.mark.parametrize("part", ["data", "contact"])
def test_a_link_that_hides_where_it_leads_stands_in_the_way(part, link):
    told = written(**{part: f"{written()[part]} Read more on {link}."})

    assert [(each.part, each.code, each.text) for each in found_in(told)] == [(part, "short_link", link)]
    assert not codes(written(data="Your name, see client.co/z or it.bit.ly.example/x."), grave=True)


# --- the same measures as the authority was told ------------------------------------------------


def test_a_measure_that_the_authority_was_told_and_people_are_not_stands_in_the_way():
    (found,) = found_in(written(done="– The key is blocked."))

    assert (found.part, found.code, found.text, found.grave) == (
        "measures",
        "left_out",
        "The file was deleted",
        True,
    )


def test_a_measure_that_people_are_told_and_the_authority_was_not_stands_in_the_way():
    (found,) = found_in(written(planned="– All keys are changed.\n– Everyone gets a present."))

    assert (found.code, found.text) == ("added", "everyone gets a present")


def test_what_is_planned_is_not_said_to_be_done():
    told = written(
        done="The key is blocked. The file was deleted. All keys are changed.", planned="Nothing more."
    )

    assert [(each.part, each.code) for each in found_in(told)] == [("measures", "moved")]


def test_a_measure_that_was_changed_by_one_word_is_another_one():
    assert {code for _, code in codes(written(done="– The key is not blocked.\n– The file was deleted"))} == {
        "left_out", "added",
    }  # fmt: skip


@pytest.mark.parametrize(
    "done",
    [
        "The key is blocked. The file was deleted.", "• the file was deleted\n• the key is blocked",
        "1. The key\n is blocked.\n2) The file was  deleted", "The key is blocked; the file was deleted.",
    ],
)  # fmt: skip
def test_how_measures_are_laid_out_makes_no_difference(done):
    assert codes(written(done=done)) == []


def test_nothing_more_to_come_must_be_said_and_is_no_measure():
    known = replace(KNOWN, measures=replace(TOLD, planned=()))

    assert codes(written(planned="Nothing more is planned."), known=known) == []
    assert codes(written(planned=""), known=known) == [("measures", "nothing_planned")]


def test_a_notice_in_another_language_than_the_notification_is_for_a_person_to_compare():
    told = written(locale="da", done="Nøglen er spærret.", planned="Alle nøgler skiftes.")

    assert found_in(told, "da") == [parts.Finding("da", "measures", "other_language", "English")]


def test_without_a_notification_a_person_is_told_that_nothing_was_compared():
    told = written()

    assert codes(told, known=replace(KNOWN, measures=None), grave=False) == [("measures", "not_told_yet")]


def test_measures_are_read_from_a_notification_as_it_was_filled_in():
    answers = {
        "measures.containment_description": (
            "– Nøglen er spærret.\n– Filen er slettet\nPlanlagt:\n– Alle skifter kode."
        ),
        "measures.further_actions": "– Alle skifter kode.",
        "measures.prevention_description": "To ser på hver liste.",
        "measures.prevention": ["training"],
    }
    told = measures.of_notification(answers, planned_heading="Planlagt:", locale="da")

    assert told == Measures(
        "da", ("Nøglen er spærret.", "Filen er slettet"), ("Alle skifter kode.",), ("To ser på hver liste.",)
    )
    assert measures.differences(told, "\n".join(told.done), "\n".join((*told.planned, *told.either))) == []
    assert measures.of_notification({}, planned_heading="Planlagt:", locale="da") == Measures("da")


# --- as it is sent ------------------------------------------------------------------------------


def test_a_notice_fills_the_message_that_letters_fill_today():
    told = drafts.context(TEXTS, written(), "en", "Edward Hill")

    assert told.keys() == {"name", "subject", "paragraphs", "contact", "controller"}
    assert [heading for heading, _ in told["paragraphs"]][:2] == [
        "What happened",
        "Your information that is affected",
    ]


def test_an_empty_part_leaves_no_heading_behind():
    assert "Your right to complain" not in drafts.document(TEXTS, written(rights=""), "en", "")
