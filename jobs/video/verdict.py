"""What a check says of a prompt."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """A prompt is accepted, refused, or doubtful: then its video waits for a person.

    Attributes:
        refusal: why it is refused, in words; None if it is not.
        doubt: why a person has to look at it, in words; None if nobody has to, or if it is refused.
    """

    refusal: str | None = None
    doubt: str | None = None
