"""What is told in benches: a letter of the usual length in four languages, with what is a person's own."""

_PARTS = {
    "da": ("Brud på dine data", "Kære", "Vi skriver, fordi dine oplysninger er kommet i forkerte hænder."),
    "nb": ("Brudd på dine data", "Kjære", "Vi skriver fordi opplysningene dine har kommet på avveie."),
    "sv": ("Dina uppgifter har läckt", "Hej", "Vi skriver eftersom dina uppgifter har hamnat i fel händer."),
    "en": ("Your data was exposed", "Dear", "We write because your details came into the wrong hands."),
}
_LINES = 24  # as many as a letter with all its parts has


def _letter(subject: str, greeting: str, line: str) -> dict[str, str]:
    text = "\n\n".join([f"{greeting} ⟦name⟧", *[line] * _LINES, "https://breach.example/g/⟦code⟧"])
    paragraphs = "".join(f"<p>{line}</p>" for _ in range(_LINES))
    html = f"<p>{greeting} ⟦name.html⟧</p>{paragraphs}<p>https://breach.example/g/⟦code.html⟧</p>"
    return {"subject": subject, "text": text, "html": html, "sender": "ProMark A/S"}


TEXTS = {locale: {"email": _letter(*parts)} for locale, parts in _PARTS.items()}
