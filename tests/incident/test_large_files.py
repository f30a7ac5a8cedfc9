"""A receipt or a letter may be a photo from a phone; everything else that is sent to us stays small."""

from io import BytesIO

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from foundation.http import MIB
from incident.authority_notification import receipts
from incident.models import AuthorityLetter, FilingProof
from tests import people
from tests.incident.test_authority_notification import address, approved
from tests.incident.test_filings import JPEG, local, rows

WHOLE = receipts.MOST_BYTES


def photo(size):
    return FileStorage(BytesIO(JPEG + b"x" * (size - len(JPEG))), "kvittering.jpg", content_type="image/jpeg")


def sent(told):
    """A form as a browser sends it, from memory."""
    boundary, body = encode_multipart(told)
    return {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}


def filing(size):
    told = {"filed_at": local(), "channel": "portal", "case_number": "2026-442-10001"}
    return sent(told | {"receipt": photo(size)})


def test_a_photo_of_ten_mebibytes_is_kept_whole(app, cast, signed_in):
    incident_id, notification_id = approved(cast)
    place = address(incident_id, notification_id, "/filing")
    browser = signed_in(people.DORTHE)
    assert "up to 10 MiB" in browser.get(place).text

    assert browser.post(place, **filing(WHOLE)).status_code == 303

    (proof,) = rows(cast, FilingProof)
    kept = browser.get(f"{address(incident_id, notification_id)}/proofs/{proof.id}")
    assert (len(kept.data), kept.data[:3]) == (WHOLE, JPEG[:3])


def test_a_larger_photo_is_refused_on_the_page_and_says_the_limit(app, cast, signed_in):
    incident_id, notification_id = approved(cast)

    place = address(incident_id, notification_id, "/filing")
    refused = signed_in(people.DORTHE).post(place, **filing(WHOLE + 1))

    assert (refused.status_code, "larger than 10 MiB" in refused.text) == (422, True)
    assert rows(cast, FilingProof) == []


def test_what_is_far_too_large_is_not_read_and_the_page_says_what_this_address_takes(app, cast, signed_in):
    incident_id, notification_id = approved(cast)
    browser, place = signed_in(people.DORTHE), address(incident_id, notification_id)

    for each in (f"{place}/filing", f"{place}/proofs", f"/incidents/{incident_id}/correspondence/new"):
        refused = browser.post(each, **filing(WHOLE + 2 * MIB))
        assert refused.status_code == 413
        assert "Send at most 10 MiB" in refused.text
    assert rows(cast, FilingProof) == rows(cast, AuthorityLetter) == []


def test_a_letter_may_be_a_scan_of_ten_mebibytes(app, cast, signed_in):
    incident_id, _notification_id = approved(cast)
    place = f"/incidents/{incident_id}/correspondence/new"
    told = {"authority": "dk-datatilsynet", "kind": "information", "channel": "letter", "written_at": local(),
            "subject": "Kvittering", "file": photo(WHOLE)}  # fmt: skip

    assert signed_in(people.DORTHE).post(place, **sent(told)).status_code == 303

    assert len(rows(cast, AuthorityLetter)) == 1


@pytest.mark.parametrize("what", ["/text", "/secrecy", "/approval"])
def test_every_other_form_takes_one_mebibyte(app, cast, signed_in, what):
    incident_id, notification_id = approved(cast)

    refused = signed_in(people.DORTHE).post(
        address(incident_id, notification_id, what), **sent({"receipt": photo(2 * MIB)})
    )

    assert (refused.status_code, "Send at most 1 MiB" in refused.text) == (413, True)
