"""Nights on call, told by what people's phones get and do."""

from datetime import timedelta

import pytest

from tests.story.driver import Story
from tests.story.phones import Night, Phones


def test_somebody_answers_by_text_and_the_night_is_quiet(night: Night, phones: Phones, story: Story) -> None:
    story.hostco_reports()
    phones["Astrid"].gets_text("breach report")
    phones["Astrid"].gets_mail(subject="PM-")

    phones["Astrid"].replies("ok {code}")
    phones["Astrid"].gets_text("is yours", "Nobody else is called")

    night.passes(minutes=30)
    for phone in phones.values():
        phone.gets_nothing()


def test_nobody_answers_for_an_hour_and_it_gets_louder(night: Night, phones: Phones, story: Story) -> None:
    story.hostco_reports()
    night.passes(hours=1)

    astrid = phones["Astrid"].gets_texts("breach report", least=2, most=8)
    birk = phones["Birk"].gets_texts("breach report", least=2, most=8)
    dorthe = phones["Dorthe"].gets_texts("breach report", least=2, most=8)
    assert timedelta(minutes=4) <= birk[0].at - astrid[0].at <= timedelta(minutes=7)
    assert timedelta(minutes=4) <= dorthe[0].at - birk[0].at <= timedelta(minutes=7)
    for phone in (phones["Astrid"], phones["Birk"], phones["Dorthe"]):
        phone.gets_mails("PM-", least=2, most=8)

    # Nobody has it yet: a bare "ok" is asked which, and takes nothing.
    phones["Birk"].replies("ok")
    phones["Birk"].gets_text()


def test_the_harness_fails_a_story_that_does_not_tell_everything(
    night: Night, phones: Phones, story: Story
) -> None:
    story.hostco_reports()
    phones["Astrid"].gets_text("breach report")

    with pytest.raises(AssertionError, match=r"not expected:\n.*sendgrid to astrid"):
        night.ends()

    phones["Astrid"].gets_mail()
    with pytest.raises(AssertionError, match="in vain"):
        phones["Birk"].gets_text()
