"""Sub-processor tells processor tells us; we tell three customers, each its own, and two authorities."""

import pytest

from foundation.database import everyone, transaction, utcnow
from incident.example import controllers
from incident.rules.facts import parse
from tests.story.driver import ICO, Story

pytestmark = pytest.mark.story
BUTIK, FJORD, LUND, HARBOUR = "Butik Nord A/S", "Fjordbutikken AS", "Lund & Söner AB", "Harbour Catering Ltd"
MAILS = {
    BUTIK: ["privatliv@butiknord.example"], FJORD: ["personvern@fjordbutikken.example"],
    LUND: ["dataskydd@lundsoner.example", "erik@lundsoner.example"],
}  # fmt: skip
REFERENCES = {BUTIK: "BN-4410", FJORD: "FJ-90321", LUND: "LS-77-204"}
WORDS = {BUTIK: "Jeres data", FJORD: "Deres data", LUND: "Era uppgifter"}
PEOPLE = {BUTIK: "260 personer", FJORD: "120 personer", LUND: "85 personer"}


@pytest.fixture
def chain(story: Story) -> Story:
    """ProMark has customers; NordHost has told HostCo, HostCo us, and Dorthe has decided."""
    with everyone(), transaction():
        controllers.plant(now=utcnow())
    return story.decided()


def prepared(story: Story) -> str:
    """Astrid writes what all customers read; the address of the notices."""
    story.astrid.open(f"{story.incident}/notices")
    place = story.astrid.screen.path
    for locale in ("da", "nb", "sv"):
        screen = story.astrid.open(f"{place}/texts/{locale}")
        form, _button = screen.form_with("Save")
        story.astrid.press("Save", **{
            name: value.replace("[", "").replace("]", "") for name, value in form.fields
            if value and "[" in value
        })  # fmt: skip
    return place


def sent(story: Story) -> str:
    """Dorthe approves and sends; the address of the notices."""
    place = prepared(story)
    story.dorthe.open(place)
    story.dorthe.press("Yes, I stand behind them")
    story.dorthe.press("Send to 3 customers now")
    story.work()
    story.work()
    return place


def test_three_customers_and_two_authorities_are_told_and_the_chain_of_times_is_kept(chain: Story) -> None:
    times = parse(chain.facts)
    screen = chain.astrid.open(f"{chain.incident}/customers")
    assert all(name in screen for name in (BUTIK, FJORD, LUND))
    assert HARBOUR not in screen.text.split("Add customers")[0]
    assert "both kinds of duties stand side by side" in screen
    sent(chain)
    chain.dorthe_notifies()
    chain.dorthe_notifies(authority=ICO, case="IC-123456-A1B2")

    for name, addresses in MAILS.items():
        for address in addresses:
            (mail,) = chain.sandbox.mail_to(address)
            assert all(each in mail["body"] for each in (name, REFERENCES[name], WORDS[name], PEOPLE[name]))
            others = [*MAILS.keys() - {name}, HARBOUR, *(REFERENCES.keys() - {name})]
            assert not [other for other in others if other in str(mail)]
            assert not [ref for who, ref in REFERENCES.items() if who != name and ref in str(mail)]
    assert chain.sandbox.mail_to("privacy@harbourcatering.example") == []
    told = chain.astrid.open(f"{chain.incident}/customers").text
    assert "3 of 3 told, with proof" in told
    page = chain.astrid.open(chain.incident)
    assert page.text.count("Notify the authority") >= 2
    for link, word in zip(times.chain, ("HostCo ApS knew", "NordHost AS knew"), strict=True):
        assert link.aware_at is not None
        assert word in page
    assert "NordHost AS told HostCo ApS" in page
    record = chain.dorthe.open(f"{chain.incident}/record")
    assert record.text.count("A controller was told: its notice was delivered.") == 3
    assert "Notices were sent to 3 controllers, each alone." in record


def test_another_customers_name_in_a_common_part_cannot_be_approved(chain: Story) -> None:
    place = prepared(chain)
    chain.astrid.open(f"{place}/texts/da")
    chain.astrid.press("Save", measures="Harbour Caterings data er ikke berørt.")

    screen = chain.dorthe.open(place)

    assert "named where others would read it" in screen
    assert "Yes, I stand behind them" not in screen
    assert chain.sandbox.mail_to(MAILS[BUTIK][0]) == []


def test_everything_pressed_twice_tells_everybody_once(impatient: Story) -> None:
    with everyone(), transaction():
        controllers.plant(now=utcnow())
    impatient.decided()
    sent(impatient)

    assert [len(impatient.sandbox.mail_to(each)) for mails in MAILS.values() for each in mails] == [1] * 4


def test_as_processor_alone_the_authority_page_refuses_and_says_what_to_do(story: Story) -> None:
    with everyone(), transaction():
        controllers.plant(now=utcnow())
    story.hostco_reports(our_role="processor")
    story.astrid_takes_it()
    story.astrid_fixes_awareness()
    story.astrid_confirms()

    screen = story.astrid.open(story.incident)

    assert "3 owed a notice" in screen
    assert "Tell the customers" in screen
    notifications = story.dorthe.open(f"{story.incident}/authority-notifications")
    assert "Draft it from the facts" not in [b.label for form in notifications.forms for b in form.buttons]
