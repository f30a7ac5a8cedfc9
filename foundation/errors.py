"""What a reader can act on: a refusal says what was refused, why, and what to do next."""


class Refused(Exception):
    """A request that a rule does not allow; shown as a page to people, as RFC 9457 to machines.

    Takes the sentence of what was refused and why, and optionally what to do next.
    Neither may hold personal data, since both are logged and shown.
    """

    status = 409
    title = "Refused"

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class Invalid(Refused):
    """Input that cannot be used as it stands; what was typed is kept on the page."""

    status = 422
    title = "Not accepted as it stands"


class NotAllowed(Refused):
    """The person signed in lacks the permission; the message names whom to ask."""

    status = 403
    title = "Not allowed"


class Missing(Refused):
    """Nothing here, or nothing that this reader may see: the two are never told apart."""

    status = 404
    title = "Not found"
