"""What every answer keeps, whatever was asked."""

import pytest
from sqlalchemy.exc import OperationalError

from accounts import sign_in
from tests.accounts import small_app
from tests.accounts.small_app import sign_in_as, token_of


@pytest.fixture
def app(tmp_path):
    return small_app.make(tmp_path)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.mark.parametrize(
    "path", ["/sign-in", "/board", "/nowhere", "/broken", "/refused", "/callbacks/nowhere"]
)
def test_every_answer_keeps_browsers_within_our_own_pages(client, path):
    headers = client.get(path).headers

    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


def test_pages_hold_neither_script_nor_style_of_their_own(client):
    sign_in_as(client, "astrid")
    for path in ("/sign-in", "/refused", "/nowhere"):
        text = client.get(path, follow_redirects=True).text
        assert "<style" not in text
        assert "style=" not in text
        assert "<script>" not in text
        assert " on" + "click=" not in text


def test_only_over_https_browsers_are_told_to_come_by_https_alone(tmp_path, client):
    (tmp_path / "https").mkdir()
    secure = small_app.make(tmp_path / "https", BREACHCLOCK_PUBLIC_URL="https://clock.promark.test")
    by_https = secure.test_client().get("/sign-in", base_url="https://clock.promark.test")

    assert by_https.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "Strict-Transport-Security" not in client.get("/sign-in").headers


def test_own_files_may_be_kept_by_the_browser(client):
    with client.get("/static/breachclock.css") as answer:
        assert "max-age" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "evil.test:8072"])
def test_an_unknown_host_is_not_served(client, host):
    answer = client.get("/sign-in", headers={"Host": host})

    assert answer.status_code == 400
    assert "evil" not in answer.text


def test_a_real_installation_answers_to_its_own_name_alone(tmp_path):
    app = small_app.make(
        tmp_path,
        BREACHCLOCK_PUBLIC_URL="https://clock.promark.test",
        BREACHCLOCK_SMS="twilio",
        TWILIO_API_BASE="https://api.twilio.com",
    )
    app.config["TRUSTED_HOSTS"] = [h for h in app.config["TRUSTED_HOSTS"] if h == "clock.promark.test"]
    client = app.test_client()

    assert client.get("/sign-in", base_url="https://clock.promark.test").status_code == 200
    assert client.get("/sign-in").status_code == 400


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Original-URL"]
)
def test_nobody_is_believed_about_being_a_proxy(client, name):
    answer = client.get("/board", headers={name: "evil.test"})

    assert answer.location == "/sign-in?next=/board"


def test_a_request_id_is_taken_over_when_well_formed_and_made_otherwise(client):
    good = client.get("/refused", headers={"X-Request-ID": "edge-4711-abcd", "Accept": "application/json"})
    bad = client.get("/refused", headers={"X-Request-ID": "x y<script>"})

    assert good.headers["X-Request-ID"] == good.json["request_id"] == "edge-4711-abcd"
    assert len(bad.headers["X-Request-ID"]) == 32
    assert bad.headers["X-Request-ID"] in bad.text


def test_a_refusal_says_what_and_what_next_and_is_escaped(client):
    answer = client.get("/refused")

    assert answer.status_code == 422
    assert "This is too late." in answer.text
    assert "Ask &lt;b&gt;Dorthe&lt;/b&gt;." in answer.text


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/nowhere", "text/html", "text/html"),
        ("/nowhere", "*/*", "text/html"),
        ("/nowhere", "application/json", "application/problem+json"),
        ("/api/v1/nowhere", "text/html", "application/problem+json"),
        ("/callbacks/nowhere", "*/*", "application/problem+json"),
    ],
)
def test_people_get_a_page_and_programs_a_problem_document(client, path, accept, kind):
    answer = client.get(path, headers={"Accept": accept})

    assert (answer.status_code, answer.mimetype) == (404, kind)
    if answer.is_json:
        assert answer.json["status"] == 404
        assert set(answer.json) == {"type", "title", "status", "detail", "next_step", "request_id"}


def test_an_error_of_ours_tells_the_reader_its_number_and_nothing_more(client):
    answer = client.get("/broken")

    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.text
    assert "ValueError" not in answer.text
    assert "canary" not in answer.text


def test_a_database_that_does_not_answer_is_said_with_a_page_that_needs_none(client, monkeypatch):
    sign_in_as(client, "astrid")

    def away(*_, **__):
        raise OperationalError("SELECT", {}, Exception("gone for good"))

    monkeypatch.setattr(sign_in.StaffStore, "find_user", away)
    answer = client.get("/board")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "did not answer in time" in answer.text
    assert "for good" not in answer.text


def test_an_error_while_finding_out_who_asks_still_gets_its_page(client, monkeypatch):
    sign_in_as(client, "astrid")

    def failing(*_, **__):
        raise RuntimeError("inside")

    monkeypatch.setattr(sign_in.StaffStore, "find_user", failing)
    answer = client.get("/board")

    assert answer.status_code == 500
    assert "went wrong on our side" in answer.text


def test_a_method_that_a_page_does_not_take_is_named_with_those_it_takes(client):
    answer = client.delete("/board", data={"csrf_token": token_of(client)})

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_more_than_a_mebibyte_is_not_read(client):
    answer = client.post("/callbacks/provider", data=b"x", headers={"Content-Length": str(2**30)})
    form = client.post("/sign-in", data={"email": "x" * (1024 * 1024 + 1)})

    assert answer.status_code == 200  # it reads no body
    assert form.status_code == 413


def test_a_form_of_another_site_is_refused_even_with_a_token(client):
    data = {"csrf_token": token_of(client)}
    answer = client.post("/sign-out", data=data, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    assert client.post("/sign-out", data=data, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_programs_that_sign_need_no_token(client):
    assert client.post("/callbacks/provider", headers={"Sec-Fetch-Site": "cross-site"}).text == "heard"


def test_a_body_is_not_read_to_find_out_who_asks(client):
    answer = client.post("/callbacks/provider", data="[" * 100_000, content_type="application/json")

    assert answer.status_code == 200


def test_without_a_sign_in_no_place_is_offered(client):
    page = client.get("/sign-in").text

    assert "<nav" not in page
    assert "Sign out" not in page


def test_a_rehearsal_says_so_on_every_page(client):
    assert "Messages reach no one outside" in client.get("/sign-in").text
