"""What HostCo signs is kept, however odd; what cannot be read opens an incident, and nothing is opened twice."""

import gzip
import io
import json
import time

import pytest

from tests import people
from tests.attacks import sending
from tests.attacks.sending import signed

MIB = 1024 * 1024
GOOD = sending.report()


def _with(raw, place=b'"schema_version": 1'):
    assert place in GOOD
    return GOOD.replace(place, raw)


ODD = {
    "B22 nested without end": (b"[" * 100_000, 400),
    "B22 a string that never ends": (b"[]" * 40 + b'"' + b'\\"' * 100_000, 400),
    "B23 a member twice": (_with(b'"schema_version": 1, "schema_version": 1'), 400),
    "B25 an array": (b"[]", 422), "B25 a string": (b'"x"', 422), "B25 null": (b"null", 422),
    "B25 nothing": (b"", 400), "B25 not JSON": (b"title=x", 400),
    "B26 half a surrogate pair": (_with(b'"title": "\\ud800"', b'"schema_version": 1'), 400),
    "B26 NUL": (_with(b'"description": "\\u0000"', b'"schema_version": 1'), 400),
    "B26 a NUL byte": (_with(b"\0"), 400), "B26 not UTF-8": (_with(b'"a": "\xff"'), 400),
    "B26 a byte order mark": (b"\xef\xbb\xbf" + GOOD, 400),
    "B26 UTF-16": (GOOD.decode().encode("utf-16"), 400),
    "gzip": (gzip.compress(GOOD), 400),
    "NaN": (_with(b'"schema_version": NaN'), 400), "Infinity": (_with(b'"schema_version": 1e999'), 400),
    "10^400": (_with(b'"schema_version": 1' + b"0" * 400), 400),
    "B28 an unknown member": (_with(b'"severity": "low"'), 422),
    "B28 text for a number": (_with(b'"schema_version": "1"'), 422),
    "B28 true for a number": (_with(b'"schema_version": true'), 422),
    "B28 an object for a text": (sending.report(title={"a": 1}), 422),
    "B28 a list for the kind": (sending.report(kind=["incident.reported"]), 422),
    "B29 no zone": (sending.report(at="2026-10-06T09:30:00"), 422),
    "B29 a leap second": (sending.report(at="2016-12-31T23:59:60Z"), 422),
    "a thousand and one items": (sending.report(consequences=["other"] * 1001), 422),
    "eleven in the chain": (sending.report(chain=[{"name": "P", "role": "processor"}] * 11), 422),
}  # fmt: skip


def test_what_is_signed_and_cannot_be_read_is_kept_once_and_said_so_the_same_each_time(app, cast, client):
    named = 0  # those whose reference can be read are all of one incident
    for number, (name, (body, status)) in enumerate(ODD.items(), start=1):
        told, began = signed(cast.hostco, body), time.monotonic()
        named += status == 422 and b'"reference"' in body

        first, again = (sending.post(client, cast.hostco, body, told) for _ in range(2))

        assert time.monotonic() - began < 5, name
        assert (first.status_code, sending.kept()) == (status, (number, number - max(named - 1, 0))), name
        assert _without_id(again) == _without_id(first), name


def _without_id(answer):
    return answer.status_code, answer.json | {"request_id": ""}


def test_what_does_not_call_itself_json_is_kept_and_refused(app, cast, client):
    """B17."""
    others = ("", "text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded",
              "application/json; charset=utf-16")  # fmt: skip

    for number, media_type in enumerate(others, start=1):
        told = signed(cast.hostco, GOOD) | {"Content-Type": media_type}
        assert sending.post(client, cast.hostco, GOOD, told).status_code == 415, media_type
        assert sending.kept() == (number, 1)  # the same bytes wait to be read once


@pytest.mark.parametrize(("size", "status"), [(MIB, 202), (MIB + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_mebibyte_is_taken_and_a_byte_more_is_not(cast, client, size, status, chunked):
    """B19: by the length it tells, and without one by what comes."""
    body = GOOD + b" " * (size - len(GOOD))
    told = signed(cast.hostco, body)
    if chunked:
        wire = {"input_stream": io.BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}
        told["Transfer-Encoding"] = "chunked"
    else:
        wire = {"data": body}

    answer = client.post(cast.hostco.path, headers=told, **wire)

    assert answer.status_code == status
    assert sending.kept() == ((1, 1) if status == 202 else (0, 0))


def test_faults_are_named_without_repeating_what_was_told(app, cast, client):
    """B28: neither to the sender nor in the log."""
    answer = sending.post(client, cast.hostco, sending.report(title=["canary"], cause={"kind": "canary"}))

    assert {each["pointer"] for each in answer.json["errors"]} == {"/data/title", "/data/cause/kind"}
    assert "canary" not in answer.text


def test_a_report_of_nothing_but_faults_gets_an_answer_of_bounded_length(app, cast, client):
    """Members without end in the envelope: the answer is kept, shown and given again."""
    many = {f"x{number}": 1 for number in range(60_000)}
    body = json.dumps(json.loads(GOOD) | many).encode()

    answer = sending.post(client, cast.hostco, body)

    assert answer.status_code == 422
    assert len(answer.json["errors"]) <= 1100
    assert len(answer.data) < 200_000


def test_a_report_that_comes_again_opens_nothing_again(app, cast, client, sandbox, work):
    """B10, B11: within the tolerance, and signed afresh later."""
    first = sending.post(client, cast.hostco, GOOD, signed(cast.hostco, GOOD, webhook_id="msg_1"))
    again = sending.post(client, cast.hostco, GOOD, signed(cast.hostco, GOOD, webhook_id="msg_1", late=-200))
    work()

    assert again.json == first.json | {"duplicate": True}
    assert sending.kept() == (1, 1)
    assert len(sandbox.sms_to(people.ASTRIDS_PHONE)) == 1


def test_the_body_cannot_say_whose_incident_it_is(app, cast, client, signed_in):
    """B16."""
    body = sending.report(organisation={"name": "Softwerk GmbH", "main_establishment": "DE"})

    assert sending.post(client, cast.hostco, body).status_code == 202

    assert "PM-20" in signed_in(people.DORTHE).get("/").text
    assert "PM-20" not in signed_in(people.ESKIL).get("/").text


def test_a_link_in_the_chain_may_be_anything_but_makes_no_page_fail(app, cast, client, signed_in):
    links = [{"name": "\u202e🚨" * 66, "role": "sub_processor", "country": "ZZ"} for _ in range(10)]
    body = sending.report(chain=links, title="\u202e🚨" * 100)

    told = sending.post(client, cast.hostco, body).json

    assert signed_in(people.ASTRID).get(f"/incidents/{told['incident_id']}").status_code == 200


def test_text_from_outside_stays_out_of_the_message_that_wakes_somebody(app, cast, client, sandbox, work):
    """B41, B43: neither words nor links nor line breaks of a report reach a phone or a subject line."""
    evil = "STOP\r\nBcc: all@evil.example\r\n\r\nhttp://evil.example 🚨"
    body = sending.report(title=evil, reference=evil[:90], description=evil, chain=[
        {"name": evil, "role": "processor", "reference": evil}])  # fmt: skip
    assert sending.post(client, cast.hostco, body).status_code == 202
    work()

    sms, mail = sandbox.sms_to(people.ASTRIDS_PHONE), sandbox.mail_to(people.ASTRID)

    assert sms
    assert mail
    assert "evil" not in json.dumps([sms, mail], ensure_ascii=False)
    assert len(sms[0]["body"]) <= 160
