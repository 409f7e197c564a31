"""What the promotion jobs of all models decide."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The decision on the candidates of a night.

    Attributes:
        promoted: version of the promoted candidate, or None.
        reason: one sentence with the deciding numbers.
    """

    promoted: str | None
    reason: str
