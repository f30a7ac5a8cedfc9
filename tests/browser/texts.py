"""The words that people at ProMark write in the story: letters and what is typed into forms."""

# In English what was done and is planned is left as it is drafted, for so the authority was told it.
LETTERS = {
    "da": {
        "nature": "En ubudt gæst brugte en adgangsnøgle hos vores underleverandørs datacenter og læste en "
        "kopi af kundeportalens database.",
        "consequences": "Andre kan se dit navn, dine kontaktoplysninger og dit fravær, og nogen kan forsøge "
        "at udgive sig for at være os.",
        "measures": "Adgangsnøglen er spærret.\nKun kendte netværk kan nå lageret.\n\nHvad gør vi nu?\nAlle "
        "nøgler til lageret bliver skiftet.\nKopierne bliver låst, så ingen kan læse dem uden en nøgle.",
    },
    "sv": {
        "nature": "En obehörig använde en åtkomstnyckel i vår underleverantörs datacenter och läste en kopia "
        "av kundportalens databas.",
        "consequences": "Andra kan se ditt namn, dina kontaktuppgifter och din frånvaro, och någon kan "
        "försöka utge sig för att vara oss.",
        "measures": "Åtkomstnyckeln är spärrad.\nBara kända nätverk kommer åt lagret.\n\nVad gör vi nu?\n"
        "Alla nycklar till lagret byts.\nSäkerhetskopior låses så att ingen kan läsa dem utan en nyckel.",
    },
    "en": {
        "nature": "Somebody without a right to it used an access key at our supplier's data centre and read "
        "a copy of the customer portal's database.",
        "consequences": "Others may see your name, your contact details and your absence, and somebody may "
        "pretend to be us to trick you.",
    },
}
AWARE = "The duty desk at HostCo telephoned Astrid; it was certain by then that the copy had been read."
DECIDED = (
    "Names, contact details and absence of at least 400 people were read by a thief. The absence says "
    "something of their health, and the passwords protect only the sign-in: a high risk."
)
CONSEQUENCES = {
    "da": "De berørte kan blive kontaktet af nogen, der udgiver sig for ProMark, og andre kan få kendskab "
    "til deres fravær.",
    "en": "Others may learn of their absence, or pass for ProMark when they write to them.",
}
STEPS = {
    "Ask the processor for what is missing": "HostCo was asked by telephone and in writing.",
    "Find safe ways to reach people with a protected address": "None of them has one, says HostCo.",
}
HEARD = "Karen Møller asks whether her bank has to know. She has changed her password."
