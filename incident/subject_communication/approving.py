"""What stands in the way of an approval, and the approval: of exact texts to exactly these people."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from flask_babel import ngettext

from accounts.models import StaffMember
from foundation import locales
from foundation.database import db
from foundation.errors import Refused
from incident import coverage, letters, meeting
from incident.communication_texts import fields
from incident.letters import Lack
from incident.lists import people
from incident.models import (
    GONE,
    CommunicationState,
    Incident,
    ListState,
    RecipientList,
    SubjectCommunication,
)
from incident.subject_communication import choosing, kin, preparing, wiring
from incident.subject_communication.choosing import Counts
from playbooks import runs

STEPS: Final = {
    "none": 1, "columns": 1, "reading": 1, "faulty": 1, "nobody": 2, "going": 2, "told": 2, "texts": 3,
}  # fmt: skip
MOST_OPENED: Final = 2_000  # people whose fields are looked at together


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that stands in the way of an approval: which, what is so, and what to do about it."""

    code: str  # one of `STEPS`
    said: str
    next_step: str
    locale: str = ""  # of a text


def lacking(incident: Incident, communication: SubjectCommunication, counts: Counts) -> list[Lack]:
    """What the texts lack in the languages that somebody picked reads."""
    known = wiring.known_of(incident, communication)
    return letters.lacking(communication.texts, list(counts.by_language), known)


def obstacles(
    incident: Incident, communication: SubjectCommunication, counts: Counts | None = None,
    told: Sequence[kin.Told] | None = None,
) -> list[Obstacle]:  # fmt: skip
    """What stands in the way of an approval as it is now; nothing where it can be approved.

    `told` is what `kin.told_already` says, where somebody has asked already.
    """
    counts = counts or choosing.counts(communication)
    found = [each for one in _unsettled(incident, communication) for each in _of_list(one)]
    found += [*_still_going(incident, communication), *told_elsewhere(incident, communication, told)]
    if not counts.people:
        found.append(_nobody(incident))
    return found + _unwritten(communication, lacking(incident, communication, counts))


def _unwritten(communication: SubjectCommunication, left: Sequence[Lack]) -> list[Obstacle]:
    """The languages whose text is not whole, with how many points are open in each."""
    found = []
    for locale, count in Counter(each.locale for each in left).items():
        name = locales.language(locale, locales.current())
        if locale in communication.texts:
            said = ngettext(
                "%(language)s: %(num)s point is open.", "%(language)s: %(num)s points are open.", count,
                language=name,
            )  # fmt: skip
            step = _("Write what is missing, and replace whatever stands in [brackets].")
        else:
            said = _("%(language)s is not written yet.", language=name)
            step = _("Add the language to the texts, or tell its readers in another communication.")
        found.append(Obstacle("texts", said, step, locale))
    return found


def _unsettled(incident: Incident, communication: SubjectCommunication) -> list[RecipientList]:
    """The lists that are not as they will be; also one whose columns nobody has chosen yet."""
    uploaded = [
        each for each in choosing.lists_of(incident, communication) if each.state == ListState.UPLOADED
    ]
    return [*uploaded, *people.unsettled(communication)]


def _still_going(incident: Incident, communication: SubjectCommunication) -> list[Obstacle]:
    """Who was told, or was not, is known once nothing of the others waits any more."""
    corrected = communication.selection.get("told_by")
    if not (corrected or communication.selection.get("untold")):
        return []
    return [
        Obstacle(
            "going", _("Communication %(number)s is still going out.", number=each.number),
            _("Wait until each of its messages has gone, or stop it: then it is known whom it has told."),
        )
        for each in preparing.of_incident(incident)
        if each.state == CommunicationState.SENDING and not coverage.of(each).gone_out
        and (not corrected or str(each.id) == corrected)
    ]  # fmt: skip


def told_elsewhere(
    incident: Incident, communication: SubjectCommunication, told: Sequence[kin.Told] | None = None
) -> list[Obstacle]:
    """After a merger, or a split, nobody is told of the same breach a second time unless a person says so."""
    if communication.corrects_id or communication.selection.get(kin.AGAIN):
        return []
    return [
        Obstacle(
            "told",
            _("Communication %(number)s of %(incident)s is still going out.", number=each.number,
              incident=each.incident_number),
            _("Wait until each of its messages has gone: then it is known whom it has told."),
        )
        for each in kin.still_going(incident)
    ] + [
        Obstacle(
            "told",
            ngettext(
                "%(num)s person was told already, by communication %(number)s of %(incident)s.",
                "%(num)s people were told already, by communication %(number)s of %(incident)s.",
                each.people, number=each.number, incident=each.incident_number,
            ),
            _("Leave them out, or choose that they are told again."),
        )
        for each in (kin.told_already(incident, communication) if told is None else told)
    ]  # fmt: skip


def _nobody(incident: Incident) -> Obstacle:
    if choosing.standing_lists(incident):
        return Obstacle("nobody", _("Nobody is picked."), _("Choose more people, or another list."))
    return Obstacle("none", _("There is no list yet."), _("Send a list of recipients first."))


def _of_list(one: RecipientList) -> list[Obstacle]:
    if one.state == ListState.UPLOADED:
        return [Obstacle(
            "columns", _("List %(number)s was not read yet.", number=one.number),
            _("Say which of its columns is what, or withdraw it."),
        )]  # fmt: skip
    if one.state in GONE:
        return [Obstacle(
            "reading", _("The people of list %(number)s are being taken out.", number=one.number),
            _("Wait a moment, and look again."),
        )]  # fmt: skip
    if one.ready_at is not None:
        return [Obstacle(
            "reading", _("List %(number)s is still being read.", number=one.number),
            _("Wait until its last row was read; its page shows how far it is."),
        )]  # fmt: skip
    if one.faulty and not one.left_out_why:
        said = ngettext(
            "%(num)s row of list %(number)s is nobody yet.",
            "%(num)s rows of list %(number)s are nobody yet.",
            one.faulty, number=one.number,
        )  # fmt: skip
        step = _("Mend them in the file and send it again, or say why they are left out.")
        return [Obstacle("faulty", said, step)]
    return []


def step(found: Sequence[Obstacle], *, approved: bool) -> int:
    """Where the way to telling everybody is: 1 lists, 2 who, 3 texts, 4 approval, 5 sending.

    `approved`: as it is now; `found` stands in the way of that.
    """
    return 5 if approved else min((STEPS[each.code] for each in found), default=4)


def stands(communication: SubjectCommunication, now_is: str) -> bool:
    """Whether it is approved as it is now; `now_is` is its fingerprint. Lists may have changed since."""
    return communication.state == CommunicationState.APPROVED and communication.approved_sha256 == now_is


def approve(
    incident: Incident, communication: SubjectCommunication, *, seen: str, by: StaffMember, now: datetime,
    comes_to: str = "",
) -> None:  # fmt: skip
    """Stand behind these texts to these people. Approving it twice changes nothing.

    The second of two persons: whoever wrote last does not approve it. `seen` is the fingerprint that was
    on the page, `comes_to` how many by which way, how long and at what price, as it was said there. Raises:
    Refused for that, when it was sent, when text, choice or lists changed meanwhile, and for each obstacle.
    """
    preparing.refuse_sent(communication)
    now_is = preparing.fingerprint(communication)
    if seen != now_is:
        preparing.refuse_stale(incident, communication, seen)
        raise Refused(
            _("The lists were changed meanwhile."),
            next_step=_("Open the communication again, and look at whom it goes to now."),
        )
    if stands(communication, now_is):
        return
    meeting.refuse_when_over(incident)
    refuse_author(incident, communication, by)
    counts = choosing.counts(communication)
    for each in obstacles(incident, communication, counts):
        raise Refused(each.said, next_step=each.next_step)
    _refuse_empty_fields(communication)
    preparing.void(communication)
    communication.recipients, communication.content_sha256 = counts.people, now_is
    communication.state = CommunicationState.APPROVED
    communication.approved_by, communication.approved_at = by.name, now
    communication.approved_sha256 = now_is
    db.session.flush()
    preparing.log(
        incident, communication, "communication.approved", by, now, people=counts.people,
        written_by=preparing.authors_of(incident, communication)[-1], by_way=counts.by_way,
        comes_to=comes_to or None,
        lists=[
            {"number": each.number, "people": each.people, "rows_sha256": each.rows_sha256}
            for each in choosing.lists_of(incident, communication)
        ],
    )  # fmt: skip
    runs.happened(incident.chain, "subjects.approved", actor=by.name, now=now)


def refuse_author(incident: Incident, communication: SubjectCommunication, by: StaffMember) -> None:
    """Raises: Refused for whoever wrote the texts last, and for whoever did anything last."""
    written = preparing.written(incident, communication)
    texts = [each for each in written if each.action in preparing.TEXTS]
    if str(by.id) in {each.details.get("staff") for each in (written[-1], *texts[-1:])}:
        raise Refused(
            _("You wrote this last: a second person approves it before it goes out."),
            next_step=_(
                "Ask a colleague to read and approve it. Where one of you wrote the texts and the other "
                "chose the people, let the one who wrote choose them last, and the other approve."
            ),
        )


def _refuse_empty_fields(communication: SubjectCommunication) -> None:
    """Nobody gets a letter with a hole in it. Looked at only where a text says what is a person's own."""
    used, last, empty = fields.fields_used(communication.texts), None, 0
    while used and (some := people.after(communication, last, MOST_OPENED)):
        known = people.contacts(communication.incident_id, [each.id for each in some])
        empty += sum(bool(fields.empty_fields(used, each)) for each in known.values())
        last = some[-1].id
    if empty:
        names = ", ".join(sorted(used))
        raise Refused(
            ngettext(
                "%(num)s person has no value for what the text says of each: %(names)s.",
                "%(num)s people have no value for what the text says of each: %(names)s.", empty, names=names,
            ),
            next_step=_("Fill it in in the list, or take it out of the text."),
        )  # fmt: skip
