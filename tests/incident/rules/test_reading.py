import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident.rules.reading import NotJSON, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES, st.booleans())
def test_what_a_program_writes_is_read_back(value, ascii_only):
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@settings(deadline=None)
@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused_and_nothing_else_happens(raw):
    with suppress(NotJSON):
        value = read_json(raw)
        assert value == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"title": "\xff"}',
        b'{"title": "\xed\xa0\x80"}',
        b'{"a": 1, "a": 2}',
        b'{"x": {"\\u0061": 1, "a": 1}}',
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[" + b"9" * 5000 + b"]",
        b'"\\u0000"',
        b'{"a\\u0000": 1}',
        b'"\\ud800"',
        b'["\\udc00\\ud800"]',
        b'"\x00"',
        b"{} {}",
        b"{'a': 1}",
        b"[1,]",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 100_000,
        b"[" * 1_000_000,
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_bytes_with_no_one_meaning_are_refused(raw):
    with pytest.raises(NotJSON):
        read_json(raw)


@pytest.mark.parametrize("raw", [b"", b" \r\n\t"])
def test_nothing_is_called_nothing(raw):
    with pytest.raises(NotJSON, match="empty"):
        read_json(raw)


def test_a_pair_of_surrogates_is_a_character():
    assert read_json(b'"\\ud83d\\udd12"') == "\U0001f512"


def test_nesting_is_counted_outside_of_text_only():
    text = '\\"[[' * 200

    assert read_json(b"[" * 64 + b"]" * 64)
    assert read_json(f'["{text}", [], [], []]'.encode()) == ['"[[' * 200, [], [], []]


def test_a_mebibyte_of_brackets_takes_no_more_than_a_few_times_as_long_as_to_parse_it():
    raw = b"[" + b"[]," * 349_000 + b"[]]"

    def seconds(read: Callable[[bytes], object]) -> float:
        start = time.process_time()
        read(raw)
        return time.process_time() - start

    assert min(seconds(read_json) for _ in range(3)) < 40 * min(seconds(json.loads) for _ in range(3))


def test_a_refusal_never_repeats_what_was_sent():
    with pytest.raises(NotJSON) as refused:
        read_json(b'{"cpr": "010190-1234" oops}')

    assert "010190" not in str(refused.value)
