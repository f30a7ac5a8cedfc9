"""Who knew when, link by link: what nobody has told stays unknown, what does not fit stays as told."""

from datetime import UTC, datetime, timedelta

from incident.rules.chain_of_times import chain_of_times, key_of
from incident.rules.facts import parse
from incident.rules.instants import Certainty, Doubt, Held, Material, Origin, Point, Version
from incident.rules.scorecard import Material as Counted
from incident.rules.scorecard import scorecard

NOW = datetime(2026, 10, 25, 18, tzinfo=UTC)
RECEIVED = datetime(2026, 10, 25, 14, tzinfo=UTC)
ACME = {
    "chain": [
        {"name": "HostCo ApS", "role": "processor", "aware_at": "2026-10-25T09:00:00+01:00"},
        {"name": "NordHost AS", "role": "sub_processor", "aware_at": "2026-10-24T22:00:00Z",
         "told_next_at": "2026-10-25T09:00:00+01:00"},
    ],
    "timeline": {"occurred_from": "2026-10-24T10:00:00+02:00", "occurred_is_estimate": True},
}  # fmt: skip


def chain(*documents, reporter="HostCo ApS", agreed=None, held=(), now=NOW, received=RECEIVED):
    """The chain after these versions, each kept an hour after the one before; "form" marks a colleague's."""
    versions = [
        Version(
            number, {name: value for name, value in document.items() if name != "form"},
            "Astrid Holm" if "form" in document else "HostCo ApS", received + timedelta(hours=number),
            "form" not in document,
        )
        for number, document in enumerate(documents, start=1)
    ]  # fmt: skip
    facts = parse(versions[-1].document)
    return chain_of_times(Material(facts, versions, held, received, now, reporter, agreed))


def point(found, kind, who=""):
    return next(each for each in found.instants if each.point is kind and each.who == who)


def changed(**timeline):
    return ACME | {"timeline": ACME["timeline"] | timeline}


def test_word_travels_from_the_far_end_to_us():
    found = chain(ACME, held=[Held(RECEIVED, True, "From the receipt.", "Breachclock", RECEIVED)])

    assert [(each.point, each.who, each.whom) for each in found.instants] == [
        ("occurred", "", ""), ("aware", "NordHost AS", ""), ("told", "NordHost AS", "HostCo ApS"),
        ("aware", "HostCo ApS", ""), ("told", "HostCo ApS", ""), ("we_aware", "", ""),
    ]  # fmt: skip
    assert [each.gap for each in found.instants] == [None, 14, 10, 0, 6, 0]


def test_each_instant_keeps_the_zone_in_which_it_was_told():
    found = chain(ACME)

    assert point(found, Point.OCCURRED).offset == "+02:00"
    assert point(found, Point.AWARE, "NordHost AS").offset == "Z"
    assert point(found, Point.AWARE, "HostCo ApS").offset == "+01:00"
    assert point(found, Point.AWARE, "HostCo ApS").at == datetime(2026, 10, 25, 8, tzinfo=UTC)


def test_what_nobody_has_told_is_unknown_and_stays_in_the_chain():
    silent = {"name": "DeepStore", "role": "sub_processor"}
    found = chain(ACME | {"chain": [*ACME["chain"], silent]})

    assert [each.certainty for each in found.instants if each.who == "DeepStore"] == ["unknown", "unknown"]
    assert point(found, Point.AWARE, "DeepStore").pointer == "/chain/2/aware_at"
    assert found.unknown == 3, "and our own awareness, of which nothing is held here"
    assert found.tellings[0].late is None, "an unknown time is neither late nor in time"


def test_a_report_that_names_no_chain_still_asks_when_its_sender_knew():
    found = chain({"title": "Something"})

    assert point(found, Point.AWARE, "HostCo ApS").certainty is Certainty.UNKNOWN
    told = point(found, Point.TOLD, "HostCo ApS")
    assert (told.at, told.certainty, told.source.origin) == (RECEIVED, Certainty.DERIVED, Origin.RECEIPT)


def test_who_is_told_knows_and_that_is_derived():
    document = ACME | {"chain": [{"name": "HostCo ApS", "role": "processor"}, ACME["chain"][1]]}

    knew = point(chain(document), Point.AWARE, "HostCo ApS")

    assert (knew.at, knew.certainty) == (datetime(2026, 10, 25, 8, tzinfo=UTC), Certainty.DERIVED)
    assert (knew.source.origin, knew.source.by) == (Origin.TELLING, "NordHost AS")


def test_an_overtaken_estimate_stays_beside_what_holds_now():
    sure = changed(occurred_from="2026-10-24T07:30:00Z", occurred_is_estimate=False)
    found = point(chain(ACME, ACME, sure | {"form": True}), Point.OCCURRED)

    assert (found.certainty, found.source.by, found.source.version) == ("exact", "Astrid Holm", 3)
    assert [(each.at.hour, each.estimated, each.by) for each in found.earlier] == [(8, True, "HostCo ApS")]


def test_what_was_repeated_is_of_who_said_it_first():
    found = point(chain(ACME, ACME | {"form": True}), Point.AWARE, "NordHost AS")

    assert (found.source.origin, found.source.version, found.earlier) == (Origin.REPORT, 1, ())


def test_contradictions_are_marked_and_none_is_put_right():
    below = ACME["chain"][1] | {"told_next_at": "2026-10-24T20:00:00Z"}
    found = chain(ACME | {"chain": [ACME["chain"][0], below]})
    told = point(found, Point.TOLD, "NordHost AS")
    knew = point(found, Point.AWARE, "HostCo ApS")

    assert (told.doubt, told.gap, told.certainty) == (Doubt.BEFORE_IT_KNEW, -2, Certainty.CONTRADICTED)
    assert knew.doubt is Doubt.AFTER_IT_WAS_TOLD
    assert found.tellings[0].late is None


def test_a_processor_cannot_tell_us_later_than_its_own_report():
    late = ACME["chain"][0] | {"told_next_at": "2026-10-25T17:00:00Z"}
    two = chain(ACME | {"chain": [late]} | {"timeline": {"informed_at": "2026-10-25T13:00:00Z"}})

    assert point(two, Point.TOLD, "HostCo ApS").doubt is Doubt.TWO_TIMES
    assert point(chain(ACME | {"chain": [late]}), Point.TOLD, "HostCo ApS").doubt is Doubt.AFTER_THE_REPORT


def test_an_estimate_of_the_beginning_contradicts_nobody():
    began = "2026-10-25T05:00:00Z"

    assert point(chain(changed(occurred_from=began)), Point.AWARE, "NordHost AS").doubt is None
    sure = changed(occurred_from=began, occurred_is_estimate=False)
    assert point(chain(sure), Point.AWARE, "NordHost AS").doubt is Doubt.BEFORE_IT_BEGAN


def test_each_link_is_held_to_its_own_agreement():
    found = chain(ACME, agreed={key_of("nordhost  as"): 4})

    assert [(each.who, each.hours, each.allowed, each.agreed, each.late) for each in found.tellings] == [
        ("NordHost AS", 10, 4, True, True), ("HostCo ApS", 6, 24, False, False),
    ]  # fmt: skip


def test_our_own_awareness_shows_what_was_held_before_it_was_corrected():
    at = RECEIVED - timedelta(hours=2)
    held = [
        Held(RECEIVED, True, "From the receipt.", "Breachclock", RECEIVED),
        Held(at, False, "They telephoned.", "Astrid Holm", NOW),
    ]
    ours = point(chain(ACME, held=held), Point.WE_AWARE)

    assert (ours.at, ours.certainty, ours.source.by) == (at, Certainty.EXACT, "Astrid Holm")
    assert [(each.at, each.by) for each in ours.earlier] == [(RECEIVED, "Breachclock")]


def test_ten_links_are_ten_links():
    links = [{"name": f"Link {n}", "role": "sub_processor"} for n in range(10)]

    found = chain(ACME | {"chain": links})

    assert [each.who for each in found.instants if each.point is Point.AWARE] == [
        f"Link {n}" for n in range(9, -1, -1)
    ]


def counted(*hours, **changes):
    """A scorecard over chains in which NordHost told after so many hours; None where nobody says."""
    tellings = []
    for each in hours:
        link = dict(ACME["chain"][1])
        if each is None:
            del link["aware_at"]
        else:
            link["aware_at"] = f"2026-10-25T{8 - each:02}:00:00Z"
        tellings.append(chain(ACME | {"chain": [ACME["chain"][0], link]}).tellings[0])
    numbers = dict.fromkeys(("still_open", "reports", "updates", "tests", "faulty"), 0)
    return scorecard(Counted(tellings, len(hours), tested_at=None, **(numbers | changes)))


def test_a_scorecard_counts_what_is_known_and_says_what_is_not():
    card = counted(2, 8, 3, None)

    assert (card.known, card.unknown, card.median_hours, card.worst_hours) == (3, 1, 3, 8)
    assert (card.in_time, card.allowed, card.agreed) == (3, 24, False)


def test_out_of_one_incident_no_rate_is_made():
    assert counted(5).median_hours is None
    assert (counted(5).worst_hours, counted().worst_hours) == (5, None)


def test_a_test_that_never_was_is_old():
    assert counted().test_is_old(NOW)
    lately = scorecard(Counted([], 0, 0, 0, 0, 1, 0, NOW - timedelta(days=30)))
    assert not lately.test_is_old(NOW)
