"""The forms of authorities, version by version, and the normal form that fills them.

One file a version of a form, of any name. For an authority of the EEA without a file the common template of
the EDPB is at hand under `edpb`; whether it may be used is for the caller to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from pydantic import ValidationError

from incident.rules.dated import RuleDataFault, breaks, read_data, rows_of
from incident.rules.forms import Form, NormalForm

COMMON: Final = "edpb"
NORMAL: Final = "normal.toml"


@cache
def normal_form() -> NormalForm:
    """Every path that a form can name. Raises RuleDataFault for a faulty file."""
    try:
        return NormalForm.model_validate(read_data(NORMAL, resources.files(__name__)))
    except ValidationError as fault:
        raise RuleDataFault([f"{NORMAL}: {fault}"]) from None


@cache
def all_forms() -> Mapping[str, tuple[Form, ...]]:
    """The versions of each form by its key, the oldest first. Raises RuleDataFault naming every fault."""
    return read_forms(resources.files(__name__))


def form_of(key: str, day: date) -> Form | None:
    """The version of an authority's form (`edpb`: the common template) that is in use on a day.

    None where no form is held under that key, and on a day before its first or after its last version.
    """
    return next((form for form in all_forms().get(key, ()) if form.holds_on(day)), None)


def form_for(key: str, day: date) -> Form:
    """The form that an authority is told in on a day: its own, else the common template in English.

    The common template was published for consultation on 8 June 2026; for an earlier day its first version
    stands in, since no other form is held for such an authority.
    """
    return form_of(key, day) or form_of(COMMON, day) or all_forms()[COMMON][0]


def read_forms(folder: Traversable) -> dict[str, tuple[Form, ...]]:
    """Read every form in a folder and hold it to the normal form.

    Raises RuleDataFault naming every fault: a part that no form has, a path or a code that the normal form
    does not know, a gap or an overlap between two versions. A form may end for good.
    """
    faults: list[str] = []
    read: list[Form] = []
    for name in sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml")):
        if name != NORMAL:
            read += rows_of([read_data(name, folder)], Form, f"{name}, form", faults)
    forms = _by_key(read)
    for versions in forms.values():
        faults += _faults(versions)
    if faults:
        raise RuleDataFault(faults)
    return forms


def _by_key(read: Sequence[Form]) -> dict[str, tuple[Form, ...]]:
    found: dict[str, list[Form]] = {}
    for form in sorted(read, key=lambda each: (each.key, each.valid_from)):
        found.setdefault(form.key, []).append(form)
    return {key: tuple(versions) for key, versions in found.items()}


def _faults(versions: Sequence[Form]) -> Iterator[str]:
    for form in versions:
        yield from normal_form().strangers(form)
    # Unlike law, a form may end with nothing after it: the common template can take its place.
    last = versions[-1].model_copy(update={"valid_to": None})
    yield from breaks([*versions[:-1], last], f"the form {last.key}")
