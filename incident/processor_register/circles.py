"""Whom each works for, looked at as a whole: where it turns in a circle, where it reaches too deep."""

from collections.abc import Mapping
from uuid import UUID

Parents = Mapping[UUID, UUID | None]


def circles(parents: Parents) -> dict[UUID, list[UUID]]:
    """Everyone who stands in a circle, with the way round from themselves back to themselves."""
    found: dict[UUID, list[UUID]] = {}
    done: set[UUID] = set()
    for start in parents:
        way: list[UUID] = []
        places: dict[UUID, int] = {}
        at: UUID | None = start
        while at is not None and at not in done and at not in places:
            places[at] = len(way)
            way.append(at)
            at = parents.get(at)
        if at is not None and at in places:
            ring = way[places[at] :]
            found.update({each: [*ring[n:], *ring[:n], each] for n, each in enumerate(ring[:MOST_TOLD])})
            found.update({each: [each, ring[0], each] for each in ring[MOST_TOLD:]})
        done.update(way)
    return found


MOST_TOLD = 200  # of a circle's members get the way in full: a circle of thousands would fill the memory


def too_deep(parents: Parents, most: int) -> set[UUID]:
    """Everyone who stands further down than `most` levels; those in circles are not looked at."""
    turning = circles(parents)
    levels: dict[UUID, int] = dict.fromkeys(turning, 0)
    for start in parents:
        way: list[UUID] = []
        at: UUID | None = start
        while at is not None and at not in levels:
            way.append(at)
            at = parents.get(at)
        level = levels[at] if at is not None else 0
        for each in reversed(way):
            level += 1
            levels[each] = level
    return {each for each, level in levels.items() if level > most}
