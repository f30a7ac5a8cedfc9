"""Letters on paper: print-ready files for window envelopes, with address sheets, counts and hashes.

`printed` takes letters one by one and gives batches, and each letter that cannot be printed with its reason:

    gathered = Manifest(run)
    for made in printed(letters, run):
        gathered.add(made)
        ...  # keep its files, or the fault of its letter

Nothing is stored or sent here. What stands on a letter is set as text, never read as markup.
"""

from incident.letter_runs.addresses import Address
from incident.letter_runs.batches import printed
from incident.letter_runs.letters import (
    WHY,
    Batch,
    Fault,
    File,
    Letter,
    Part,
    Printed,
    Run,
    Sender,
    Text,
)
from incident.letter_runs.sheets import Manifest, manifest
from incident.letter_runs.windows import Window, all_windows, common_in, window

__all__ = [
    "WHY", "Address", "Batch", "Fault", "File", "Letter", "Manifest", "Part", "Printed", "Run", "Sender",
    "Text", "Window", "all_windows", "common_in", "manifest", "printed", "window",
]  # fmt: skip
