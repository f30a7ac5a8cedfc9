"""A pack: from an incident with complete facts to its PDF and JSON, and the PDF of the largest form alone.

Told against setting an empty page by the same means. Told is the processor time that it takes, so that
others who want the core do not count.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

import typst

from incident import pack_files
from tests import golden_packs

GOAL_PDF = 1.0  # seconds
GOAL_PACK = 10.0  # seconds, all authorities together
TIMES = 5
EMPTY = b'#set document(title: "x")\n#set text(lang: "en")\n= x\n'


def run(*, rounds: int) -> None:
    """Measure and print; fails when a goal is missed."""
    with golden_packs.app().app_context():
        documents = {each: golden_packs.document(each) for each in golden_packs.AUTHORITIES}
        imprint = golden_packs.imprint()
        floor, first, alone, whole = [], [], [], []
        for number in range(max(rounds, 1) * TIMES):
            fresh = {"now": datetime.now(UTC).isoformat(), "number": str(number)}
            floor.append(_timed(lambda: typst.compile(EMPTY, pdf_standards=["ua-1"], sys_inputs=fresh)))  # noqa: B023
            largest = documents["ie-dpc"] | {"title": f"Notification {number}"}  # nothing is remembered of it
            first.append(_timed(lambda: pack_files.pdf(largest, imprint)))  # noqa: B023
            alone.append(_timed(lambda: pack_files.pdf(documents["dk-datatilsynet"], imprint)))
            whole.append(_timed(_everything))
    print(
        f"  {median(first) / median(floor):5.1f} times an empty page  {median(first) * 1000:.0f} ms a PDF of "
        f"the largest form, {median(alone) * 1000:.0f} ms of one that was made before"
    )
    print(f"  {max(first) / GOAL_PDF:5.2f} of the goal  the slowest PDF of {len(first)}, {max(first):.2f} s")
    print(
        f"  {median(whole) / GOAL_PACK:5.2f} of the goal  {median(whole):.2f} s from facts to PDF and JSON "
        f"for {len(golden_packs.AUTHORITIES)} authorities"
    )
    if max(first) > GOAL_PDF or max(whole) > GOAL_PACK:
        raise SystemExit("A pack took longer than people should wait for it.")


def _everything() -> None:
    """From the facts to both files, for every authority."""
    for authority in golden_packs.AUTHORITIES:
        content = golden_packs.document(authority)
        pack_files.pdf(content, golden_packs.imprint())
        pack_files.json_bytes(content)


def _timed(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start
