"""Without any fault: everybody is told once, and soon."""

import pytest

from tests.faults.installation import Installation

pytestmark = pytest.mark.faults


def test_a_calm_installation_tells_everybody_once(product: Installation):
    pages = product.page()
    notices = [product.notice(), product.notice(channel="sms"), product.notice(kind="authority")]

    product.wait_until_sent(*pages.values(), *notices)

    copies = product.copies()
    assert [copies[each] for each in [*pages.values(), *notices]] == [1] * 5
