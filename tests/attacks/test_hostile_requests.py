"""Requests that no page of ours makes: each is answered in a sentence, and none with an error of ours."""

import io

import pytest
from werkzeug.datastructures import FileStorage

from tests import people
from tests.incident import desk
from tests.incident.test_large_files import sent

NUL = "x\0y"
HUGE = "9" * 40
ASSESSED = {
    "breach": "yes", "identifiable": "yes", "risk": "high",
    "authority": "notify_authority", "people": "communicate", "promise": "keep_promise",
}  # fmt: skip
# Address after the incident's, or whole; and the form.
FORMS = [
    ("/sign-in", {"email": NUL, "password": NUL}),
    ("/language", {"locale": NUL}),
    ("/reports", {"title": NUL, "form_id": "1"}),
    ("/reports", {"title": "x", "form_id": NUL}),
    ("/processors", {"name": NUL, "country": "DK"}),
    ("/processors", {"name": "x", "country": "DK", "service": NUL}),
    ("notes", {"text": NUL}),
    ("notes", {NUL: "x"}),
    ("rejection", {"reason": NUL}),
    ("confirmation", {"note": NUL}),
    ("closure", {"reason": NUL}),
    ("awareness", {"at": "2026-11-01T09:30", "reason": NUL, "after": "1", "confirmed": "yes"}),
    ("facts", {"title": "x", "reason": NUL, "after": "1"}),
    ("assessments", ASSESSED | {"reason": NUL, "after": "0", "facts_number": "1"}),
    ("authority-notifications", {"duty": NUL}),
]
ADDRESSES = [
    "/register?state=%00", "/messages?about=%00", "/?%00=1",
    "/sign-in?next=%00",
]  # fmt: skip
NUMBERS = [
    ("awareness", {"at": "0001-01-01T00:00", "reason": "x", "after": "1", "confirmed": "yes"}),
    ("awareness", {"at": "9999-12-31T23:59", "reason": "x", "after": "1", "confirmed": "yes"}),
    ("awareness", {"at": "2026-01-03T00:00", "reason": "x", "after": HUGE, "confirmed": "yes"}),
    ("facts", {"title": "x", "reason": "x", "after": HUGE}),
    ("facts", {"title": "x", "reason": "x", "after": f"-{HUGE}"}),
    ("facts", {"title": "x", "reason": "x", "after": "1", "timeline.occurred_from": "0001-01-01T00:00"}),
    ("facts", {"title": "x", "reason": "x", "after": "1", "timeline.occurred_to": "9999-12-31T23:59"}),
    ("facts", {"title": "x", "reason": "x", "after": "1", "subjects.total.exactly": HUGE}),
    ("assessments", ASSESSED | {"reason": "x", "after": HUGE, "facts_number": HUGE}),
]
ELSEWHERE = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
    "/\t/evil.example", "\n//evil.example", "javascript:alert(1)", "evil.example", "//[",
    "/@evil.example:x\r\nA: b",
]  # fmt: skip


def _of(incident_id, place):
    return place if place.startswith("/") else f"/incidents/{incident_id}/{place}"


def test_nul_is_refused_alike_on_both_databases(app, cast, signed_in):
    """B26, B53: PostgreSQL cannot keep it, and no browser sends it."""
    incident_id, dorthe = desk.reported(cast), signed_in(people.DORTHE)
    before = desk.actions(cast, incident_id)

    for place, form in FORMS:
        assert dorthe.post(_of(incident_id, place), data=form).status_code == 400, (place, form)
    for address in ADDRESSES:
        assert dorthe.get(address).status_code == 400, address

    assert desk.actions(cast, incident_id) == before


@pytest.mark.parametrize(("place", "form"), NUMBERS)
def test_numbers_and_years_that_no_column_takes_are_answered_in_words(app, cast, signed_in, place, form):
    incident_id = desk.reported(cast)
    dorthe = signed_in(people.DORTHE)

    assert dorthe.post(_of(incident_id, place), data=form).status_code < 500
    assert dorthe.get(f"/incidents/{incident_id}").status_code == 200


def test_a_page_number_without_end_is_an_empty_page(app, signed_in):
    dorthe = signed_in(people.DORTHE)

    for query in (
        f"reports?from={HUGE}",
        f"reports?from=-{HUGE}",
        f"register?year={HUGE}",
        "register?year=-1",
    ):
        assert dorthe.get(f"/{query}").status_code == 200, query


def test_signing_in_leads_nowhere_but_here(client):
    """B46: an address in `next` is a path of ours or it is nothing."""
    told = {"email": people.ASTRID, "password": people.PASSWORD}
    assert client.post("/sign-in", data=told | {"next": "//["}).location == "/"

    for place in ELSEWHERE:
        assert client.post("/language", data={"locale": "da", "next": place}).location == "/", place
        assert client.get("/sign-in", query_string={"next": place}).location == "/", place


def test_a_host_that_is_not_ours_is_not_served(client):
    """B46."""
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:8072", "a@b", ""):
        answer = client.get("/sign-in", headers={"Host": host})
        assert answer.status_code == 400, host
        assert "evil" not in answer.text


def test_headers_that_only_a_proxy_may_set_change_nothing(client):
    """B47."""
    told = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Original-URL": "/board",
            "X-Forwarded-For": "127.0.0.1", "Forwarded": "host=evil.example"}  # fmt: skip

    plain, forged = client.get("/register"), client.get("/register", headers=told)

    assert (forged.status_code, forged.location) == (plain.status_code, plain.location)


def test_no_other_site_may_read_our_answers(app, signed_in):
    """B95."""
    astrid = signed_in(people.ASTRID)

    for origin in ("null", "https://evil.example", "http://127.0.0.1:8072.evil.example"):
        for page in ("/", "/api/v1/openapi.json", "/readyz"):
            told = astrid.get(page, headers={"Origin": origin}).headers
            assert not [name for name, _ in told if name.startswith("Access-Control")], (origin, page)


def test_a_form_of_another_site_does_nothing(app, cast, signed_in):
    """B94: even where its token had leaked, browsers say where it comes from."""
    incident_id = desk.reported(cast)

    for site in ("cross-site", "same-site"):
        answer = signed_in(people.DORTHE).post(
            f"/incidents/{incident_id}/confirmation", headers={"Sec-Fetch-Site": site}
        )
        assert answer.status_code == 400
    assert "incident.confirmed" not in desk.actions(cast, incident_id)


def test_every_form_of_staff_needs_its_token(app, cast, signed_in):
    """B94: routes without one are those that programs sign."""
    incident_id = desk.reported(cast)
    browser = signed_in(people.DORTHE)
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        for place in ("confirmation", "notes", "rejection", "awareness", "facts", "communications"):
            assert browser.post(_of(incident_id, place), data={"text": "x"}).status_code == 400
        assert browser.post("/sign-out").status_code == 400
        assert app.test_client().post("/sign-in", data={"email": people.ASTRID}).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_there_is_nothing_beside_the_pages(client):
    """B82."""
    for address in ("/.git/config", "/.env", "/debug", "/console", "/rq", "/admin", "/setup", "/demo.json",
                    "/static/../wsgi.py", "/static/%2e%2e/wsgi.py", "/breachclock.sqlite3"):  # fmt: skip
        assert client.get(address).status_code == 404, address


def test_what_anybody_may_read_names_nobody(app, cast, client):
    """B82: figures for a monitor, no person, no incident, no path of this machine."""
    desk.reported(cast)

    for page in ("/healthz", "/readyz", "/metrics", "/sign-in", "/api/v1/openapi.json"):
        told = client.get(page).text
        for word in ("Astrid", "promark", "HostCo", "PM-20", "/tmp/", "sqlite", "postgresql"):
            assert word not in told, (page, word)


def test_an_error_of_ours_says_nothing_of_how_we_are_built(app, signed_in, monkeypatch, caplog):
    """B38: the reader gets a number, the log gets the rest without personal data."""
    browser = signed_in(people.DORTHE)
    monkeypatch.setattr("incident.views.shown.board", _fail)
    app.testing = False
    try:
        page = browser.get("/", headers={"Accept": "text/html"})
        asked = browser.get("/", headers={"Accept": "application/json"})
    finally:
        app.testing = True

    assert (page.status_code, asked.status_code) == (500, 500)
    for told in (page.text, asked.text):
        assert "Traceback" not in told
        assert "ida@kunde.example" not in told
        assert "RuntimeError" not in told
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def _fail(_now):
    raise RuntimeError("for ida@kunde.example")


def test_pages_of_staff_are_kept_by_nobody_and_framed_by_nobody(app, cast, signed_in):
    """B94."""
    incident_id = desk.reported(cast)

    for page in ("/", f"/incidents/{incident_id}", f"/incidents/{incident_id}/record", "/nowhere"):
        told = signed_in(people.DORTHE).get(page).headers
        assert told["Cache-Control"] == "no-store"
        assert told["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in told["Content-Security-Policy"]
        assert "unsafe" not in told["Content-Security-Policy"]
        assert "Server" not in told


class _Unread(io.RawIOBase):
    """A body of 40 MiB of which nothing may be read."""

    at = 0

    def readable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = 40 << 20 if whence == io.SEEK_END else offset
        return self.at

    def readinto(self, _buffer):
        raise AssertionError("It was read.")


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/octet-stream"])
@pytest.mark.parametrize(("who", "status"), [(None, 401), (people.NILS, 403)])
def test_nothing_of_a_large_list_is_read_from_whoever_may_not_send_it(
    app, cast, signed_in, *, who, status, kind
):
    browser = signed_in(who) if who else app.test_client()

    assert _send_unread(browser, desk.reported(cast), kind).status_code == status


def test_a_form_takes_a_smaller_list_and_says_what_sends_a_larger_one(app, cast, signed_in):
    told = _send_unread(signed_in(people.DORTHE), desk.reported(cast), "multipart/form-data; boundary=x")

    assert (told.status_code, "runs JavaScript" in told.text) == (413, True)


def _send_unread(browser, incident_id, kind):
    place, named = f"/incidents/{incident_id}/recipient-lists", {"X-File-Name": "a.csv"}
    return browser.post(place, input_stream=_Unread(), content_type=kind, headers=named)


def test_a_list_from_the_form_is_never_plain_on_disk(app, cast, signed_in, monkeypatch):
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", _fail)
    rows = io.BytesIO(b"name;e-mail\n" + b"Ida Holm;ida@kunde.example\n" * 50_000)

    place = f"/incidents/{desk.reported(cast)}/recipient-lists"
    told = signed_in(people.DORTHE).post(place, **sent({"list": FileStorage(rows, "a.csv")}))

    assert told.status_code == 303
