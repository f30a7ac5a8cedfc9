"""Which playbook carries an incident from the first word of it: by our role, and by where it happened.

A controller answers to authority and people, art. 33(1) and 34 GDPR. A processor tells each controller
without undue delay, art. 33(2), and never files with an authority itself.
"""

from typing import Final

from incident.rules.facts import Facts

AT_HOME: Final = "personal_data_breach"
AT_A_PROCESSOR: Final = "processor_breach"
AS_PROCESSOR: Final = "we_are_processor"


def general(facts: Facts, *, from_processor: bool) -> str:
    """The playbook's key; `from_processor` is whether a processor of ours reported it."""
    if not facts.is_controller:
        return AS_PROCESSOR
    return AT_HOME if here(facts, from_processor=from_processor) else AT_A_PROCESSOR


def here(facts: Facts, *, from_processor: bool) -> bool:
    """Whether it happened with us, as far as is known, and not at a processor of ours or below it."""
    return not from_processor and facts.at_a_processor != "yes"


def alike(playbook: str) -> tuple[str, ...]:
    """The playbooks that answer for the same role: where one has begun, the others are not started."""
    return (AS_PROCESSOR,) if playbook == AS_PROCESSOR else (AT_HOME, AT_A_PROCESSOR)
