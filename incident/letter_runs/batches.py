"""Letters in batches that a printer takes. Nothing is held of a batch once the next one is asked for.

A letter that cannot be printed as it should is left out and named with its reason; it stops no other.
"""

from collections.abc import Iterable, Iterator

import typst
from flask_babel import gettext as _

from foundation.errors import Invalid
from incident.letter_runs import sheets
from incident.letter_runs.addresses import LONGEST, Unusable, lines_of
from incident.letter_runs.letters import Batch, Fault, File, Letter, Printed, Run
from incident.letter_runs.setting import Addressed, Measured, forget, page_of
from incident.typesetting import strange


def printed(letters: Iterable[Letter], run: Run, *, first: int = 1) -> Iterator[Batch | Fault]:
    """The batches of a run in the order of the letters, and each letter that is in none, with its reason.

    Letters are taken as they are needed, so that a million take the memory of one batch. The same letters
    and run give the same bytes. `first` is the number of the first batch, where others were made before.
    Needs an app context. Raises: Invalid when the sender does not fit.
    """
    number, waiting = first, _addressed(letters, run)
    while True:
        taken: list[Addressed] = []
        for each in waiting:
            if isinstance(each, Fault):
                yield each
                continue
            taken.append(each)
            if len(taken) == run.letters:
                break
        if not taken:
            return
        for made in _set(taken, run, number):
            number = made.number + 1 if isinstance(made, Batch) else number
            yield made
        forget()


def _addressed(letters: Iterable[Letter], run: Run) -> Iterator[Addressed | Fault]:
    for letter in letters:
        if len(letter.opening) > LONGEST:
            yield Fault(letter.key, "too_wide", "opening")
            continue
        try:
            yield Addressed(
                letter, lines_of(letter.address, sent_from=run.country, locale=run.locale)
            )  # fmt: skip
        except Unusable as why:
            yield Fault(letter.key, why.code, why.part)


def _set(taken: list[Addressed], run: Run, number: int) -> Iterator[Batch | Fault]:
    """The batches that these letters make, the first being `number`, and the letters that are left out."""
    page = page_of(taken, run, number)
    measured = page.measured()
    if measured[1].sender > measured[1].room and run.window.return_line:
        raise _sender_fault()
    left_out = {place: why for place, each in measured.items() if (why := _unfit(each, run))}
    if left_out:
        yield from (Fault(taken[place - 1].letter.key, why) for place, why in left_out.items())
        fitting = [each for place, each in enumerate(taken, start=1) if place not in left_out]
        yield from _parts([fitting], run, number)
        return
    if len(taken) > 1 and sum(_sheets(each.pages, run) for each in measured.values()) > run.sheets:
        half = len(taken) // 2
        yield from _parts([taken[:half], taken[half:]], run, number)
        return
    try:
        pdf = page.pdf(run)
    except typst.TypstError as fault:
        signs = strange(fault.diagnostic)
        unprintable = [each for each in taken if signs.intersection(each.signs)]
        if not signs:
            raise
        if not unprintable:
            raise _sender_fault() from None
        yield from (Fault(each.letter.key, "unprintable") for each in unprintable)
        yield from _parts([[each for each in taken if each not in unprintable]], run, number)
        return
    yield _batch(pdf, taken, measured, run, number)


def _parts(parts: list[list[Addressed]], run: Run, number: int) -> Iterator[Batch | Fault]:
    for part in filter(None, parts):
        for made in _set(part, run, number):
            number = made.number + 1 if isinstance(made, Batch) else number
            yield made


def _unfit(measured: Measured, run: Run) -> str:
    """Why a letter cannot go out in this envelope; empty when it can."""
    return measured.fault or ("too_many_sheets" if _sheets(measured.pages, run) > run.window.sheets else "")


def _sheets(pages: int, run: Run) -> int:
    return (pages + 1) // 2 if run.duplex else pages


def _sender_fault() -> Invalid:
    return Invalid(
        _("The sender’s name and address cannot be printed in the window of this envelope."),
        next_step=_("Shorten them, or choose another envelope."),
    )


def _batch(
    pdf: bytes, letters: list[Addressed], measured: dict[int, Measured], run: Run, number: int
) -> Batch:
    placed = [
        Printed(each.letter.key, place, measured[place].pages, _sheets(measured[place].pages, run))
        for place, each in enumerate(letters, start=1)
    ]
    paper, rows = sum(each.sheets for each in placed), list(zip(placed, letters, strict=True))
    file = File(f"{run.number}-letters-{number:03d}.pdf", pdf)
    return Batch(
        number=number, letters=tuple(placed), pages=paper * 2 if run.duplex else paper, sheets=paper,
        pdf=file,
        sheet_csv=File(f"{run.number}-addresses-{number:03d}.csv", sheets.as_csv(rows, run, number)),
        sheet_pdf=File(f"{run.number}-addresses-{number:03d}.pdf", sheets.as_pdf(rows, file, run, number)),
    )  # fmt: skip
