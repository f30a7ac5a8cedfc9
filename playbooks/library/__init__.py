"""The playbooks that come with the product: one TOML file each, read once and checked."""

from functools import cache, lru_cache
from pathlib import Path

from playbooks.rules.definition import Playbook
from playbooks.rules.reading import read

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The keys of all playbooks here, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def playbook(key: str) -> Playbook:
    """The playbook of this key, as its file says today; its `hash` names this wording.

    Raises: KeyError when there is none; DefinitionError when its file is faulty.
    """
    if key not in names():
        raise KeyError(f"There is no playbook {key!r}; there are {', '.join(names())}.")
    return read((FOLDER / f"{key}.toml").read_text(encoding="utf-8"), f"{key}.toml")


@lru_cache(maxsize=256)
def pinned(text: str) -> Playbook:
    """The playbook of a text that a run holds, whatever the file says by now."""
    return read(text, "the run's own playbook", sensible=False)
