"""When a field or a box of a form is shown, by what is known at other paths."""

from collections.abc import Iterator
from typing import Annotated, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from incident.rules.form_answers import Answer, Answers, codes_of, is_known

Path: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)?$")]
Code: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]


class FormRow(BaseModel):
    """A part of a form as its file has it: nothing else may stand there, and it never changes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Condition(FormRow):
    """When something is shown: a leaf about one path, or several conditions of which all or any must hold."""

    every: tuple["Condition", ...] = Field(default=(), alias="all", strict=False, min_length=1)
    some: tuple["Condition", ...] = Field(default=(), alias="any", strict=False, min_length=1)
    at: Path | None = None
    one_of: tuple[Code, ...] = Field(default=(), alias="is", strict=False, min_length=1)
    none_of: tuple[Code, ...] = Field(default=(), alias="not", strict=False, min_length=1)
    known: bool | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        tests = [bool(self.one_of), bool(self.none_of), self.known is not None]
        if [bool(self.every), bool(self.some), self.at is not None].count(True) != 1:
            raise ValueError("a condition has one of all, any and at")
        if tests.count(True) != (1 if self.at else 0):
            raise ValueError("a condition at a path has one of is, not and known, and no other has any")
        return self

    def holds(self, answers: Answers) -> bool | None:
        """Whether it holds; None while that hangs on something that is not known."""
        if self.at is not None:
            return self._holds_there(answers.get(self.at))
        found = {each.holds(answers) for each in self.every or self.some}
        decides = bool(self.some)
        if decides in found:
            return decides
        return None if None in found else not decides

    def _holds_there(self, answer: Answer) -> bool | None:
        if self.known is not None:
            return is_known(answer) == self.known
        if not is_known(answer):
            return None
        found = set(codes_of(answer))
        return not found.isdisjoint(self.one_of) if self.one_of else found.isdisjoint(self.none_of)

    def leaves(self) -> Iterator["Condition"]:
        """Every leaf in it."""
        if self.at is not None:
            yield self
        for each in (*self.every, *self.some):
            yield from each.leaves()
