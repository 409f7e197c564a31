"""The one rule by which a text is a whole number: ids of users, videos, authors and campaigns, counts and times.

A whole number is written in ASCII digits. Blanks around it, zeros before it and a fraction of zeros after it (`3.0`, as pandas
writes integers that have gaps) do not change which number it is, so they are taken away. Anything else is no whole number:
`1e3`, `1_000`, `+5`, digits of other scripts. Nor is a number of more than 15 digits with a fraction: it went through a
floating-point number, which may have changed its last digits. An id is a whole number from 0 to 2**63 - 1.

Python reads ids of the erasure list and of the landing by this rule, Spark the rows of every feed. A test holds both together.
"""

import re

LARGEST = 2**63 - 1
BLANKS = " \t\r\n\u00a0\u3000"
"""Around a number: also the no-break space and the wide space that spreadsheets write."""

_NUMBER = r"(-?0*(?:[0-9]{1,15}(?=\.0)|[0-9]{1,19}(?!\.)))(?:\.0+)?"
"""In Python's and in Java's syntax; its first group is the number."""
_PYTHON_NUMBER = re.compile(_NUMBER)
_BLANKS_SQL = "[" + "".join(f"\\u{ord(blank):04x}" for blank in BLANKS) + "]*"


def whole_number(text: str) -> int | None:
    """The number that a text is, None if it is none or does not fit in 64 bits."""
    found = _PYTHON_NUMBER.fullmatch(text.strip(BLANKS))
    if found is None:
        return None
    number = int(found[1])
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
    # A cast that fails costs a thousand times more than a match. Java's `$` also matches before a line end; `\z` is the end.
    number = rf"^{_BLANKS_SQL}{_NUMBER}{_BLANKS_SQL}\z"
    return (
        rf"CASE WHEN {text} RLIKE r'^-?[0-9]{{1,18}}\z' THEN CAST({text} AS BIGINT) "
        f"WHEN {text} RLIKE r'{number}' THEN try_cast(regexp_extract({text}, r'{number}', 1) AS BIGINT) END"
    )


def id_sql(text: str) -> str:
    """As `read_id`, in Spark SQL."""
    number = whole_number_sql(text)
    return f"CASE WHEN NOT contains({text}, '-') THEN {number} END"
