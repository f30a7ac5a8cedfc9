"""Twenty seconds of everything at once, then calm: the promise holds whatever the order was."""

import random
import time

import pytest

from tests.faults.installation import WORKERS, Installation

pytestmark = pytest.mark.faults

SECONDS = 20
MESSAGES = 60
UNKIND = ("accept_then_hang", "hang", "429", "5xx", "reset_after_body")


def test_kills_flushes_and_a_bad_provider_lose_nothing_and_tell_no_subject_twice(
    product: Installation, record_property
):
    seed = random.randrange(10**6)
    record_property("seed", seed)
    print(f"seed {seed}")  # noqa: T201  with it the order of faults is known again
    chance = random.Random(seed)
    for provider in ("twilio", "sendgrid"):
        for fault in UNKIND:
            product.sandbox.fail(provider, fault, times=3)
    counts: dict[str, int] = {}

    due = iter(range(MESSAGES))
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for _, each in zip(range(4), due, strict=False):
            owe(product, each)
        act = chance.choice(["worker", "worker", "clock", "flush", "queue", "nothing"])
        counts[act] = counts.get(act, 0) + 1
        torment(product, act, chance)
        time.sleep(chance.uniform(0.4, 1.2))
    for each in due:
        owe(product, each)

    print(counts)  # noqa: T201
    product.calm()
    product.wait_for_rest()


def owe(product: Installation, number: int) -> None:
    if number % 10 == 0:
        product.page()
    else:
        product.notice(channel=("sms", "email")[number % 2], kind=("subject", "authority")[number % 3 == 0])


def torment(product: Installation, act: str, chance: random.Random) -> None:
    match act:
        case "worker":
            process = product[chance.choice(WORKERS)]
            (process.kill if chance.random() < 0.7 else process.kill_parent)()
        case "clock":
            product["clock"].kill()
        case "flush" if product.queue.answers():
            product.queue.flush()
        case "queue":
            product.queue.kill()
            time.sleep(chance.uniform(0.1, 0.6))
            product.queue.start()
