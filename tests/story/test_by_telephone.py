"""Astrid acts from her phone at night: a no calls the next at once, a key takes what is read out to her."""

from tests.story.driver import Story
from tests.story.phones import Night, Phones


def test_not_me_calls_the_next_who_has_it_read_out_and_takes_it_by_a_key(
    night: Night, phones: Phones, story: Story
) -> None:
    story.hostco_reports()
    astrid, birk = phones["Astrid"], phones["Birk"]
    astrid.gets_text("breach report", " h left", "or else NO ")
    astrid.gets_mail("PM-")

    astrid.replies("kan ikke, {code}")
    astrid.gets_text("Birk", "is called now")
    birk.gets_text("breach report")
    birk.gets_mail("PM-")

    birk.replies("ring {code}")
    birk.gets_text("you are called now")
    call = birk.gets_call(saying="P M, 2 0 2 6")
    call.presses("5").says("Press 4 to take it")
    call.presses("4").says("Thank you. It is yours")

    astrid.replies("{code}")
    astrid.gets_text("Birk", "has it already")
    night.passes(minutes=20)
    for phone in phones.values():
        phone.gets_nothing()


def test_a_machine_that_answers_takes_nothing(night: Night, phones: Phones, story: Story) -> None:
    astrid, birk = phones["Astrid"], phones["Birk"]
    astrid.is_answered_by_a_machine()
    story.hostco_reports()
    astrid.gets_text("breach report")
    astrid.gets_mail()

    astrid.replies("ring {code}")
    astrid.gets_text("you are called now")
    astrid.gets_call(saying="No key was pressed")
    night.passes(minutes=6)

    birk.gets_text("breach report")
    birk.gets_mail()
    birk.replies("{code}")
    birk.gets_text("is yours")
