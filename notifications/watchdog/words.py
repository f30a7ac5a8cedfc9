"""What the watchdog says, in four languages: a subject, and what follows it in the text."""

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "alarm": {
        "en": (
            "{name} is silent",
            ": {what}. Open incidents may miss deadlines. Start it, or work by the paper plan.",
        ),
        "da": (
            "{name} er tavs",
            ": {what}. Åbne sager kan overskride frister. Start den, eller arbejd efter nødplanen.",
        ),
        "nb": (
            "{name} er taus",
            ": {what}. Åpne saker kan overskride frister. Start den, eller arbeid etter nødplanen.",
        ),
        "sv": (
            "{name} är tyst",
            ": {what}. Öppna ärenden kan missa tidsfrister. Starta den, eller arbeta efter reservplanen.",
        ),
    },
    "well": {
        "en": ("{name} answers again", ". Look at /next: what was due meanwhile waits there."),
        "da": ("{name} svarer igen", ". Se på /next: det, der forfaldt imens, venter der."),
        "nb": ("{name} svarer igjen", ". Se på /next: det som forfalt imens, venter der."),
        "sv": ("{name} svarar igen", ". Se på /next: det som förföll under tiden väntar där."),
    },
    "test": {
        "en": ("Test from the watchdog of {name}", ". Nothing has happened."),
        "da": ("Prøve fra vagthunden for {name}", ". Der er ikke sket noget."),
        "nb": ("Prøve fra vakthunden for {name}", ". Ingenting har skjedd."),
        "sv": ("Prov från vakthunden för {name}", ". Ingenting har hänt."),
    },
}
