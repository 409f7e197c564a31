"""The one rule by which a text is a whole number: ids of users, videos, authors and campaigns, counts and times.

A whole number is written in ASCII digits. Blanks around it, zeros before it and a fraction of zeros after it (`3.0`, as pandas
writes integers that have gaps) do not change which number it is, so they are taken away. Anything else is no whole number:
`1e3`, `1_000`, `+5`, digits of other scripts. Nor is a number above 2**53 with a fraction: it went through a floating-point
number, which may have changed its last digits. An id is a whole number from 0 to 2**63 - 1.

Python reads ids of the erasure list and of the landing by this rule, Spark the rows of every feed. A test holds both together.
"""

import re

LARGEST = 2**63 - 1
_EXACT = 2**53
BLANKS = " \t\r\n\u00a0\u3000"
"""Around a number: also the no-break space and the wide space that spreadsheets write."""

_BLANKS_SQL = "".join(f"\\u{ord(blank):04x}" for blank in BLANKS)
_NUMBER = re.compile(r"(-?)0*([0-9]{1,19})(\.0+)?")


def whole_number(text: str) -> int | None:
    """The number that a text is, None if it is none or does not fit in 64 bits."""
    found = _NUMBER.fullmatch(text.strip(BLANKS))
    if found is None:
        return None
    number = int(found[1] + found[2])
    if found[3] and abs(number) > _EXACT:
        return None
    return number if -LARGEST - 1 <= number <= LARGEST else None


def read_id(text: str) -> int | None:
    """The id that a text is, None if it is none."""
    number = whole_number(text)
    return number if number is not None and number >= 0 and "-" not in text else None


def whole_number_sql(text: str) -> str:
    """As `whole_number`, in Spark SQL: BIGINT, null where a text is no whole number.

    Args:
        text: an expression of a text.
    """
    stripped = f"btrim({text}, '{_BLANKS_SQL}')"
    # Java's `$` also matches before a line end of Unicode; `\z` is the end.
    number = f"try_cast(regexp_extract({stripped}, r'^(-?0*[0-9]{{1,19}})(\\.0+)?\\z', 1) AS BIGINT)"
    return f"CASE WHEN NOT contains({text}, '.') OR {number} BETWEEN -{_EXACT} AND {_EXACT} THEN {number} END"


def id_sql(text: str) -> str:
    """As `read_id`, in Spark SQL."""
    number = whole_number_sql(text)
    return f"CASE WHEN NOT contains({text}, '-') THEN {number} END"
