"""The tree of processors: who works for whom, with us at the root, and no way round in a circle."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy import select

from foundation.database import db
from foundation.errors import Invalid
from incident.models import Processor

MOST_LEVELS = 10  # of the facts' chain of links: what reaches further down could not be told of


@dataclass(slots=True)
class Node:
    """A processor and those that work for it, in the order of their names."""

    processor: Processor
    below: list["Node"] = field(default_factory=list)

    def all(self) -> Iterator[Processor]:
        """The processor and everything below it."""
        yield self.processor
        for each in self.below:
            yield from each.all()


def known(*, ended: bool = True) -> list[Processor]:
    """The processors of the organisation acted for, by name; `ended` with those that have left."""
    wanted = select(Processor).order_by(Processor.name_key)
    return list(db.session.scalars(wanted if ended else wanted.where(Processor.ended_at.is_(None))))


def locked(organisation_id: UUID) -> dict[UUID, Processor]:
    """Every processor of the organisation, read afresh and locked until the open transaction ends.

    Whoever moves one in the tree takes them all, in one order: two moves that together would make a circle
    wait for each other, and the second sees the first. Reports refer to these rows and do not wait.
    """
    wanted = select(Processor).where(Processor.organisation_id == organisation_id).order_by(Processor.id)
    wanted = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {each.id: each for each in db.session.scalars(wanted)}


def forest(processors: Iterable[Processor]) -> list[Node]:
    """Those that work for us directly, each with what is below it; without its parent one is a root."""
    nodes = {each.id: Node(each) for each in processors}
    roots: list[Node] = []
    for node in nodes.values():
        above = nodes.get(node.processor.serves_id) if node.processor.serves_id else None
        (above.below if above else roots).append(node)
    return roots


def above(parents: Mapping[UUID, UUID | None], of: UUID) -> list[UUID]:
    """Whom it works for, from the nearest to the one that works for us; ends where it would turn."""
    found: list[UUID] = []
    at = parents.get(of)
    while at is not None and at not in found:
        found.append(at)
        at = parents.get(at)
    return found


def below(processors: Sequence[Processor], of: UUID) -> list[Processor]:
    """Everything below a processor, nearest first."""
    found: dict[UUID, Processor] = {}
    level = {of}
    while level:
        next_ones = {each.id: each for each in processors if each.serves_id in level and each.id not in found}
        found |= next_ones
        level = set(next_ones)
    return list(found.values())


def check_place(processors: Mapping[UUID, Processor], of: UUID, serves_id: UUID | None) -> None:
    """Whether `of` may work for `serves_id`, by locked rows.

    Raises: Invalid for itself, for what is below it, for one that has left, and for too many levels.
    """
    if serves_id is None:
        return
    parent = processors[serves_id]
    parents = {each.id: each.serves_id for each in processors.values()}
    over = above(parents, serves_id)
    if serves_id == of:
        raise Invalid(_("A processor does not work for itself."))
    if of in over:
        raise Invalid(
            _("%(parent)s is below %(name)s already: the tree would turn in a circle.",
              parent=parent.name, name=processors[of].name),
            next_step=_("Move %(parent)s first.", parent=parent.name),
        )  # fmt: skip
    if parent.ended_at is not None:
        raise Invalid(_("%(parent)s has left: nobody works for it any more.", parent=parent.name))
    if len(over) + 1 + _height(processors, of) > MOST_LEVELS:
        raise Invalid(_("The tree would be more than %(most)d levels deep.", most=MOST_LEVELS))


def _height(processors: Mapping[UUID, Processor], of: UUID) -> int:
    """How many levels begin with this one; one where nothing is below it, or where it is new."""
    level, height = {of}, 0
    while level and height <= MOST_LEVELS:
        height += 1
        level = {each.id for each in processors.values() if each.serves_id in level}
    return height
