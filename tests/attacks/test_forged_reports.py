"""Who is not HostCo, or has no fresh signature of HostCo's, leaves nothing and learns nothing."""

from base64 import b64encode

from tests.attacks import sending
from tests.attacks.sending import signed

BODY = sending.report()


def _flipped(signature):
    return signature[:-5] + ("A" if signature[-5] != "A" else "B") + signature[-4:]


FORGERIES = {
    "B01 nothing is signed": lambda told, _: {"Content-Type": "application/json"},
    "B01 the id is missing": lambda told, _: told | {"webhook-id": None},
    "B01 the time is missing": lambda told, _: told | {"webhook-timestamp": None},
    "B02 one bit is wrong": lambda told, _: told | {"webhook-signature": _flipped(told["webhook-signature"])},
    "B04 other bytes were signed": lambda told, at: signed(at, BODY + b" "),
    "B07 an empty signature": lambda told, _: told | {"webhook-signature": "v1,"},
    "B07 no signature but its name": lambda told, _: told | {"webhook-signature": "v1"},
    "B07 white space": lambda told, _: told | {"webhook-signature": "   "},
    "B07 another version": lambda told, _: told | {"webhook-signature": "v2" + told["webhook-signature"][2:]},
    "B07 a public key's": lambda told, _: told | {"webhook-signature": "v1a" + told["webhook-signature"][2:]},
    "B07 not ASCII": lambda told, _: told | {"webhook-signature": "v1,\xe6\xf8\xe5"},
    "B07 very many, one of them good": lambda told, _: (
        told | {"webhook-signature": " ".join(["v1,bad"] * 100 + [told["webhook-signature"]])}
    ),
    "B08 six minutes old": lambda told, at: signed(at, BODY, late=301),
    "B08 six minutes ahead": lambda told, at: signed(at, BODY, late=-302),
    "B08 a time that is no number": lambda told, _: told | {"webhook-timestamp": "now"},
    "B08 a time without end": lambda told, _: told | {"webhook-timestamp": "9" * 400},
    "B08 no time at all": lambda told, _: told | {"webhook-timestamp": "nan"},
    "B13 an id with a dot, shifted into the time": lambda told, at: signed(at, BODY, webhook_id="msg.1"),
    "B13 an id of a mebibyte": lambda told, at: signed(at, BODY, webhook_id="x" * 1024 * 1024),
    "B13 an id like a path": lambda told, at: signed(at, BODY, webhook_id="..%2f../x"),
    "B13 an empty id": lambda told, at: signed(at, BODY, webhook_id="") | {"webhook-id": ""},
}


def test_who_does_not_sign_leaves_nothing_behind(app, cast, client):
    told = {name: forge(signed(cast.hostco, BODY), cast.hostco) for name, forge in FORGERIES.items()}

    answers = {
        name: client.post(
            cast.hostco.path, data=BODY, headers={k: v for k, v in each.items() if v is not None}
        ).status_code
        for name, each in told.items()
    }  # fmt: skip

    assert answers == dict.fromkeys(FORGERIES, 401)
    assert sending.kept() == (0, 0)


def test_a_header_that_comes_twice_has_no_meaning(app, cast, client):
    """B14: of two values nobody could say which one was checked."""
    told = signed(cast.hostco, BODY)

    for twice in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        answer = client.post(cast.hostco.path, data=BODY, headers=[*told.items(), (twice, told[twice])])
        assert answer.status_code == 401, twice
    assert sending.kept() == (0, 0)


def test_the_secret_of_one_processor_opens_no_other_endpoint(app, cast, client):
    """B16: whose incident it is follows from the key and from nothing else."""
    others = {name: each for name, each in cast.processors.items() if each.url != cast.hostco.url}
    assert others

    for other in others.values():
        assert sending.post(client, cast.hostco, BODY, signed(other, BODY)).status_code == 401
    assert sending.kept() == (0, 0)


def test_an_endpoint_that_is_not_there_answers_like_a_wrong_signature(app, cast, client):
    def told(path):
        answer = client.post(path, data=BODY, headers=wrong)
        return answer.status_code, {k: v for k, v in answer.json.items() if k != "request_id"}

    wrong = signed(cast.hostco, BODY + b" ")
    no_secret = "whsec_" + b64encode(b"\0" * 32).decode()  # what unknown endpoints are checked against

    for _ in range(2):
        for endpoint in ("nobody", "%00", "%2e%2e", "æ", "x" * 5000, "' OR 1=1--"):
            assert told(f"/api/v1/reports/{endpoint}") == told(cast.hostco.path), endpoint
        wrong["webhook-signature"] = sending.sign(
            no_secret, wrong["webhook-id"], wrong["webhook-timestamp"], BODY
        )


def test_one_good_signature_among_those_of_a_rotation_is_enough(app, cast, client):
    """B05."""
    told = signed(cast.hostco, BODY)
    told["webhook-signature"] = f"v1,{b64encode(b'0' * 32).decode()} {told['webhook-signature']}"

    assert sending.post(client, cast.hostco, BODY, told).status_code == 202


def test_only_a_post_reports(app, cast, client):
    """B31: also under a header that asks to be taken for another method."""
    told = signed(cast.hostco, BODY) | {"X-HTTP-Method-Override": "POST"}

    for method in ("GET", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = client.open(cast.hostco.path, method=method, data=BODY, headers=told)
        assert answer.status_code == 405, method
    assert sending.kept() == (0, 0)


def test_a_report_says_nothing_to_another_processor(app, cast, client):
    status = sending.post(client, cast.hostco, BODY).json["status_url"].partition("8072")[2]
    other = next(each for each in cast.processors.values() if each.url != cast.hostco.url)
    theirs = status.replace(cast.hostco.path, other.path)

    assert client.get(status, headers=signed(cast.hostco, b"")).status_code == 200
    assert client.get(status, headers=signed(other, b"")).status_code == 401
    assert client.get(theirs, headers=signed(other, b"")).status_code == 404
