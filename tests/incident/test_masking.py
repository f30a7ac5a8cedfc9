"""What is masked is known to its owner and of no use to anybody else."""

import pytest

from incident.masking import masked_email, masked_name, masked_phone


@pytest.mark.parametrize(
    ("mask", "plain", "shown"),
    [
        (masked_email, "astrid@promark.example", "a••••@p••••.example"),
        (masked_email, "“Å, B”@x.dk", "Å••••@x••••.dk"), (masked_email, "none", "••••"),
        (masked_email, "", ""), (masked_phone, "+45 20 30 40 50", "+45••••50"), (masked_phone, "112", "••••"),
        (masked_phone, "", ""), (masked_name, "Åse Ærø", "Å•••• Æ••••"), (masked_name, "", ""),
        (masked_name, "\u202eevil", "e••••"), (masked_name, "A" * 10_000, "A••••"),
    ],
)  # fmt: skip
def test_masked(mask, plain, shown):
    assert mask(plain) == shown
