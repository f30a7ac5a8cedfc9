"""A code typed off a letter is read as it was meant, and a slip is found."""

import random

import pytest

from incident.rules import codes
from incident.rules.codes import Slip, read, written

SOME = [random.Random(seed).getrandbits(codes.BITS) for seed in range(40)]


@pytest.mark.parametrize("number", [0, 1, (1 << codes.BITS) - 1, *SOME])
def test_a_code_is_read_back_whatever_the_case_and_the_gaps(number):
    code = written(number)

    assert len(code) == 23
    for typed in (code, code.lower(), code.replace("-", ""), code.replace("-", " "), f"  {code}. ",
                  code.replace("-", " – "), "  ".join(code)):  # fmt: skip
        assert read(typed) == number


def test_look_alikes_are_the_same_sign():
    code = next(each for each in map(written, SOME) if "0" in each and "1" in each)

    assert read(code.replace("0", "o").replace("1", "l")) == read(code)
    assert read(code.replace("0", "O").replace("1", "i")) == read(code)


def test_every_single_slip_and_every_swap_of_neighbours_is_found():
    for number in SOME[:5]:
        signs = written(number).replace("-", "")
        wrong = {signs[:at] + sign + signs[at + 1 :] for at in range(20) for sign in codes.SIGNS} - {signs}
        wrong |= {signs[:at] + signs[at + 1] + signs[at] + signs[at + 2 :] for at in range(19)} - {signs}
        for each in wrong:
            with pytest.raises(Slip):
                read(each)


@pytest.mark.parametrize(
    ("typed", "kind"),
    [("", "empty"), (" -- ", "empty"), ("ABC", "short"), ("U" * 20, "sign"), ("A" * 21, "long"),
     ("A" * 100_000, "long"), ("\0" * 20, "sign"), ("<script>", "sign"), ("Å" * 20, "sign")],
)  # fmt: skip
def test_what_is_no_code_is_told_apart_and_breaks_nothing(typed, kind):
    with pytest.raises(Slip) as slip:
        read(typed)
    assert slip.value.kind == kind
