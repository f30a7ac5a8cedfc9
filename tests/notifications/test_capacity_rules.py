"""Before an approval it is known when the last one would be told, what that costs, and what would help."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st

from notifications import estimates
from notifications.rules import capacity_terms
from notifications.rules.capacity import Load, Remedy, Timing, estimate, rounded
from notifications.rules.capacity_terms import Money, NoRate, Pacing, Price, Rate, Terms, Way, terms

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MAIL = Way("email", "sendgrid", "account")
NUMBER, NAME = Way("sms", "twilio", "number"), Way("sms", "twilio", "name")
HAND = Way("letter", "post", "hand")
RATES = (
    Rate(MAIL, "message", 20_000), Rate(NUMBER, "segment", 3_600), Rate(NAME, "segment", 36_000),
    Rate(HAND, "letter", 60, 400),
)  # fmt: skip
PRICES = (
    Price("email", "sendgrid", "", "message", Decimal("0.01"), "DKK"),
    Price("sms", "twilio", "DK", "segment", Decimal("0.50"), "DKK"),
    Price("sms", "twilio", "NO", "segment", Decimal("0.07"), "USD"),
)
BARE = Pacing(timedelta(0), 0, timedelta(0))  # nothing is kept free


def given_terms(*, pacing=BARE, prices=PRICES, exchange=None, currency=""):
    return Terms(RATES, prices, pacing, exchange or {}, currency)


def told(*loads, hours=72, known=None, senders=None):
    """An estimate of loads that begin now, with a deadline in so many hours; None is without."""
    deadline = None if hours is None else NOW + hours * HOUR
    return estimate(loads, start=NOW, deadline=deadline, terms=known or given_terms(), senders=senders)


# --- when the last one is out -----------------------------------------------------------------------


def test_a_hundred_thousand_texts_by_one_number_take_more_than_a_day():
    sending = told(Load(NUMBER, 100_000, "DK"), hours=24)

    assert sending.last_out_at - NOW == timedelta(seconds=100_000)
    assert (sending.timing, sending.margin) == (Timing.LATE, -timedelta(seconds=13_600))
    assert sending.begin_by == NOW - timedelta(seconds=13_600)


def test_a_text_of_two_segments_takes_and_costs_twice():
    once, twice = told(Load(NUMBER, 100, "DK", size=1)), told(Load(NUMBER, 100, "DK", size=2))

    assert twice.last_out_at - NOW == 2 * (once.last_out_at - NOW)
    assert (once.cost, twice.cost) == ((Money(Decimal(50), "DKK"),), (Money(Decimal(100), "DKK"),))


def test_channels_go_side_by_side_and_loads_of_one_sender_one_after_the_other():
    sending = told(Load(MAIL, 20_000), Load(NUMBER, 3_600, "DK"), Load(NUMBER, 3_600, "NO"))

    assert {part.way: part.takes for part in sending.parts} == {MAIL: HOUR, NUMBER: 2 * HOUR}
    assert sending.last_out_at == NOW + 2 * HOUR


def test_two_numbers_take_half_the_time():
    assert told(Load(NUMBER, 7_200, "DK"), senders={NUMBER: 2}).last_out_at == NOW + HOUR


@pytest.mark.parametrize(
    ("letters", "takes"),
    [
        (0, timedelta(0)),
        (1, MINUTE),
        (400, 400 * MINUTE),
        (401, timedelta(days=1) + MINUTE),
        (1_000, timedelta(days=2) + 200 * MINUTE),
    ],
)
def test_what_a_day_allows_goes_over_to_the_next(letters, takes):
    assert Rate(HAND, "letter", 60, 400).takes(letters) == takes


def test_time_for_the_first_few_and_for_repeats_is_kept_free():
    known = given_terms(pacing=Pacing(15 * MINUTE, 0.1, 4 * HOUR))

    assert told(Load(NUMBER, 3_600, "DK"), known=known).last_out_at == NOW + 66 * MINUTE + 15 * MINUTE
    assert told(Load(HAND, 60), known=known).last_out_at == NOW + 66 * MINUTE


@pytest.mark.parametrize(
    ("deadline", "timing"),
    [
        (None, Timing.NO_DEADLINE),
        (NOW + HOUR - timedelta(seconds=1), Timing.LATE),
        (NOW + HOUR, Timing.TIGHT),
        (NOW + 5 * HOUR - timedelta(seconds=1), Timing.TIGHT),
        (NOW + 5 * HOUR, Timing.IN_TIME),
    ],
)
def test_the_very_deadline_is_in_time_and_a_second_later_is_not(deadline, timing):
    known = given_terms(pacing=Pacing(timedelta(0), 0, 4 * HOUR))

    sending = estimate([Load(NUMBER, 3_600, "DK")], start=NOW, deadline=deadline, terms=known)

    assert sending.timing is timing
    assert bool(sending.helps) is (timing in {Timing.LATE, Timing.TIGHT})


def test_nobody_to_tell_is_told_at_once_for_nothing():
    sending = told(Load(MAIL, 0))

    assert (sending.last_out_at, sending.parts, sending.cost) == (NOW, (), ())
    assert told().timing is Timing.IN_TIME


def test_a_way_of_which_nobody_knows_how_fast_it_is_is_refused_by_name():
    with pytest.raises(NoRate, match=r"voice by twilio \(number\).*capacity.toml"):
        told(Load(Way("voice", "twilio", "number"), 1))


@pytest.mark.parametrize(("count", "size"), [(-1, 1), (1, 0)])
def test_a_load_that_cannot_be_is_refused(count, size):
    with pytest.raises(ValueError, match="at least"):
        Load(NUMBER, count, "DK", size)


@given(st.integers(1, 10**7), st.integers(1, 5), st.integers(1, 50))
def test_more_people_longer_texts_and_fewer_senders_are_never_quicker(count, size, senders):
    rate = Rate(NUMBER, "segment", 3_600, 10_000)

    assert rate.takes(count * size, senders) <= rate.takes((count + 1) * size, senders)
    assert rate.takes(count * size, senders + 1) <= rate.takes(count * size, senders)


# --- what it costs ----------------------------------------------------------------------------------


def test_currencies_are_not_added_unless_the_exchange_is_told():
    loads = (Load(NUMBER, 100, "DK"), Load(NUMBER, 100, "NO"))

    apart = told(*loads)
    together = told(*loads, known=given_terms(exchange={"USD": Decimal("6.50")}, currency="DKK"))

    assert apart.cost == (Money(Decimal("50.00"), "DKK"), Money(Decimal("7.00"), "USD"))
    assert together.cost == (Money(Decimal("95.5000"), "DKK"),)


def test_what_has_no_price_is_named_and_not_taken_for_free():
    letters = Load(HAND, 300)

    assert told(Load(NUMBER, 1, "FI"), letters).unpriced == (Load(NUMBER, 1, "FI"), letters)


def test_an_organisations_own_price_and_rate_go_before_the_data():
    own = terms(
        NOW,
        own_rates=[Rate(NUMBER, "segment", 7_200)],
        own_prices=[Price("sms", "twilio", "", "segment", Decimal("0.30"), "DKK")],
    )

    sending = told(Load(NUMBER, 7_200, "DK"), known=own)

    assert sending.cost == (Money(Decimal("2160.00"), "DKK"),)
    assert sending.parts[0].takes == 66 * MINUTE + 15 * MINUTE
    assert (sending.guessed, sending.unpriced) == (False, ())


def test_a_price_or_rate_that_is_a_guess_is_called_one():
    assert told(Load(NUMBER, 1, "DK"), known=terms(NOW)).guessed is True
    assert told(Load(NUMBER, 1, "DK"), known=terms(NOW)).checked == date(2026, 11, 28)


@pytest.mark.parametrize(
    ("amount", "said"),
    [("4012.30", "4100"), ("4100", "4100"), ("99.1", "100"), ("0.013", "0.02"), ("0", "0")],
)
def test_money_is_said_rounded_up_so_that_it_is_never_more(amount, said):
    assert rounded(Money(Decimal(amount), "DKK")).amount == Decimal(said)


# --- what would help --------------------------------------------------------------------------------


def test_what_is_late_is_told_what_gets_it_in_time_and_what_that_costs():
    sending = told(Load(NUMBER, 36_000, "DK", size=2), hours=10)

    helps = {each.remedy: each for each in sending.helps}
    assert sending.timing is Timing.LATE
    assert {each.timing for each in sending.helps} == {Timing.IN_TIME}
    assert helps[Remedy.MORE_SENDERS].senders == 2
    assert helps[Remedy.SHORTER_TEXT].costs_more == (Money(Decimal("-18000.00"), "DKK"),)
    assert (helps[Remedy.OTHER_WAY].by, helps[Remedy.OTHER_WAY].last_out_at) == (NAME, NOW + 2 * HOUR)


def test_the_least_number_of_senders_is_found_and_what_they_cost_is_asked():
    rent = Price("sms", "twilio", "", "sender", Decimal(40), "DKK")
    known = given_terms(prices=(*PRICES, rent))

    [free] = [
        each for each in told(Load(NUMBER, 100_000, "DK"), hours=10).helps if each.remedy == "more_senders"
    ]
    [help_] = [
        each
        for each in told(Load(NUMBER, 100_000, "DK"), hours=10, known=known).helps
        if each.remedy is Remedy.MORE_SENDERS
    ]

    assert (help_.senders, help_.last_out_at) == (3, NOW + timedelta(seconds=33_334))
    assert (help_.costs_more, help_.priced) == ((Money(Decimal(80), "DKK"),), True)
    assert (free.costs_more, free.priced) == ((), False)


def test_a_deadline_that_has_passed_is_helped_by_no_number_of_senders():
    helps = told(Load(NUMBER, 100, "DK"), hours=-1).helps

    assert Remedy.MORE_SENDERS not in {each.remedy for each in helps}
    assert {each.timing for each in helps} == {Timing.LATE}


def test_what_gets_it_in_time_stands_before_what_only_hastens_it():
    helps = told(Load(NUMBER, 200_000, "DK", size=2), hours=12).helps

    assert [each.timing for each in helps] == [Timing.IN_TIME] * 2 + [Timing.LATE]
    assert helps[-1].remedy is Remedy.SHORTER_TEXT


# --- the data ---------------------------------------------------------------------------------------


def test_each_row_of_the_data_says_where_it_is_from_and_how_sure_it_is():
    tables = tomllib.loads(capacity_terms.FILE.read_text(encoding="utf-8"))

    rows = [row for table in tables.values() for row in table]
    assert [
        row for row in rows if not row["source"] or row["certainty"] not in {"high", "medium", "low"}
    ] == []
    assert all(isinstance(row["valid_from"], date) and isinstance(row["checked"], date) for row in rows)


def test_every_sender_of_the_data_can_be_reckoned_with():
    known = terms(NOW)

    for rate in known.rates:
        assert told(Load(rate.way, 1, "DK"), known=known).last_out_at > NOW


def test_a_day_before_all_data_is_refused_and_not_guessed():
    with pytest.raises(ValueError, match="no row of pacing holds on 2020-01-01"):
        terms(datetime(2020, 1, 1, tzinfo=UTC))


# --- the sentence -----------------------------------------------------------------------------------


def sentence(app, sending, locale="en"):
    with app.test_request_context(), force_locale(locale):
        return estimates.approval(sending).replace("\N{NO-BREAK SPACE}", " ")


def test_the_sentence_says_how_many_how_long_and_what_it_costs(app):
    prices = (
        Price("email", "sendgrid", "", "message", Decimal("0.05"), "DKK"),
        Price("sms", "twilio", "DK", "segment", Decimal("0.85"), "DKK"),
    )
    sending = told(Load(NUMBER, 1_902, "DK"), Load(MAIL, 48_211), known=given_terms(prices=prices))

    assert sentence(app, sending) == (
        "48,211 e-mails and 1,902 SMS, about 3 h, 4,100 DKK at these prices; "
        "the last one is out 2 d 21 h before the deadline."
    )


def test_the_sentence_says_that_it_is_late_and_what_has_no_price(app):
    sending = told(Load(HAND, 1), Load(NUMBER, 36_000, "DK"), hours=8)

    assert sentence(app, sending) == (
        "36,000 SMS and 1 letter, about 10 h, 18,000 DKK at these prices and without that of 1 letter; "
        "the last one would be out 2 h after the deadline."
    )
    assert sentence(app, told(Load(HAND, 60), hours=None)) == (
        "60 letters, about 1 h, at a price that nobody has told."
    )


def test_numbers_are_written_as_the_readers_language_does(app):
    assert "48.211" in sentence(app, told(Load(MAIL, 48_211)), "da")


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(0), timedelta(0)), (timedelta(seconds=1), 5 * MINUTE), (61 * MINUTE, 75 * MINUTE),
        (145 * MINUTE, 3 * HOUR), (49 * HOUR, 54 * HOUR),
    ],
)  # fmt: skip
def test_a_time_is_said_rounded_up(length, said):
    assert estimates.about(length) == said
