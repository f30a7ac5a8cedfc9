"""A list of people made up for benches: names, addresses, numbers, languages; some double, some at fault."""

import random
from collections.abc import Iterator
from pathlib import Path

HEADER = "name;e-mail;phone;language"
FIELDS = ("name", "email", "phone", "language")
LANGUAGES = ("da", "nb", "sv", "en")
FIRST = ("Ida", "Søren", "Åse", "Lars-Erik", "Maja", "Özlem", "Þóra", "William", "Birgitte", "Noah")
LAST = ("Holm", "Kjærgaard", "Nyström", "Ødegård", "Smith", "van der Berg", "Larsen", "Pedersen", "Åkesson")
HOSTS = ("kunde.example", "mail.example", "post.example", "hotmail.example", "firma.example")
DOUBLE, FAULTY, WITHOUT_EMAIL = 0.02, 0.01, 0.005  # shares of the rows
FAULTS = (
    "{name};ikke en adresse;{phone};da", "{name};{email};4,52E+09;da", "=1+1;{email};{phone};da",
    "{name};{email};12;nb", "{name};{email}, anden@{host};{phone};sv", "{name};;;en", ";{email};{phone};da",
)  # fmt: skip


def write(path: Path, people: int) -> None:
    """Write a CSV of so many rows; the same number makes the same rows."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER + "\n")
        file.writelines(lines(people))


def lines(people: int) -> Iterator[str]:
    """The rows, each with its line break."""
    chance = random.Random(people)
    for number in range(people):
        draw = chance.random()
        at = chance.randrange(number) if draw < DOUBLE and number else number
        told = _person(at)
        if draw < DOUBLE:
            yield f"{told['name']};{told['email'].upper()};{told['phone']};{told['language']}\n"
        elif draw < DOUBLE + FAULTY:
            yield FAULTS[number % len(FAULTS)].format(**told) + "\n"
        elif draw < DOUBLE + FAULTY + WITHOUT_EMAIL:
            yield f"{told['name']};;{told['phone']};{told['language']}\n"
        else:
            yield f"{told['name']};{told['email']};{told['phone']};{told['language']}\n"


def _person(number: int) -> dict[str, str]:
    first, last = FIRST[number % len(FIRST)], LAST[number // 7 % len(LAST)]
    host = HOSTS[number % len(HOSTS)]
    return {
        "name": f"{first} {last}", "email": f"p{number}@{host}", "phone": _phone(number), "host": host,
        "language": LANGUAGES[number % len(LANGUAGES)],
    }  # fmt: skip


def _phone(number: int) -> str:
    """A number of Denmark, Norway or Sweden, in one of the ways that lists write them."""
    eight = f"{20_000_000 + number}"
    match number % 4:
        case 0:
            return eight
        case 1:
            return f"+45 {eight[:2]} {eight[2:4]} {eight[4:6]} {eight[6:]}"
        case 2:
            return f"0047{40_000_000 + number}"
        case _:
            return f"+4670{1_000_000 + number % 9_000_000}"
