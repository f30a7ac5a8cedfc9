"""People who do not exist, for the communication of a drill: a list as a real one would come, as CSV.

Addresses end in .example, which nobody can register (RFC 2606), and numbers are those that Ofcom keeps for
drama. One mailbox takes nothing and has a number beside it, another takes nothing and has none: so that a
second way and a person not reached are exercised too.
"""

import csv
import io
from itertools import cycle, islice

FIRST = ("Alma", "Bo", "Clara", "Dag", "Elin", "Frida", "Gorm", "Hedda", "Ivar", "Jonna", "Klaus", "Liv",
         "Mads", "Nora", "Ole", "Petra", "Rune", "Signe", "Tor", "Ulla")  # fmt: skip
LAST = ("Testrup", "Øvelund", "Prøve", "Exempelsson", "Madeup", "Fiktiv", "Påhitt")
LANGUAGES = {"da": "Danish", "nb": "Norwegian", "sv": "Swedish", "en": "English"}
NOWHERE = "nowhere.example"
DRAMA = "+44 7700 900"  # and three digits


def made_up(count: int, languages: list[str]) -> str:
    """A list of so many made-up people, each in one of the languages (codes), as CSV with a header."""
    text = io.StringIO()
    table = csv.writer(text, delimiter=";", lineterminator="\r\n")
    table.writerow(["Name", "E-mail", "Phone", "Language"])
    for position, language in enumerate(islice(cycle(languages or ["en"]), count), start=1):
        name = f"{FIRST[position % len(FIRST)]} {LAST[position % len(LAST)]}"
        domain = NOWHERE if position in (3, 7) else "people.example"
        phone = "" if position == 7 else f"{DRAMA}{position % 1000:03d}"
        table.writerow([name, f"person{position}@{domain}", phone, LANGUAGES.get(language, "English")])
    return text.getvalue()
