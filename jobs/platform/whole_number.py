"""The rule for parsing whole numbers: ids of users, videos, authors and campaigns, counts and times.

A whole number is written in ASCII digits. Surrounding blanks, leading zeros and a fraction of zeros (`3.0`, as pandas writes
integer columns with missing values) do not change the number and are removed. Everything else is rejected: `1e3`, `1_000`, `+5`,
digits of other scripts. A number of more than 15 digits with a fraction is also rejected: it was a floating-point number once,
and its last digits may be wrong. An id is a whole number from 0 to 2**63 - 1.

Python applies this rule to ids in the erasure list and the landing, Spark to the rows of every feed. A test compares both.
"""

import re

LARGEST = 2**63 - 1
BLANKS = " \t\r\n\u00a0\u3000"
"""Characters removed around a number, among them the no-break space and the ideographic space that spreadsheets write."""

_NUMBER = r"(-?0*(?:[0-9]{1,15}(?=\.0)|[0-9]{1,19}(?!\.)))(?:\.0+)?"
"""A pattern valid in both Python and Java; its first group is the number."""
_PYTHON_NUMBER = re.compile(_NUMBER)
_BLANKS_SQL = "[" + "".join(f"\\u{ord(blank):04x}" for blank in BLANKS) + "]*"


def whole_number(text: str) -> int | None:
    """Parse a whole number; None if the text is not one or does not fit in 64 bits."""
    match = _PYTHON_NUMBER.fullmatch(text.strip(BLANKS))
    if match is None:
        return None
    number = int(match[1])
    return number if -LARGEST - 1 <= number <= LARGEST else None


def read_id(text: str) -> int | None:
    """Parse an id; None if the text is not an id."""
    number = whole_number(text)
    return number if number is not None and number >= 0 and "-" not in text else None


def whole_number_sql(text: str) -> str:
    """Return `whole_number` as a Spark SQL expression of type BIGINT; null where the text is not a whole number.

    Args:
        text: a SQL expression of type STRING.
    """
    # A failing cast costs a thousand times more than a match. Java's `$` also matches before a line break; `\z` is the end.
    number = rf"^{_BLANKS_SQL}{_NUMBER}{_BLANKS_SQL}\z"
    return (
        rf"CASE WHEN {text} RLIKE r'^-?[0-9]{{1,18}}\z' THEN CAST({text} AS BIGINT) "
        f"WHEN {text} RLIKE r'{number}' THEN try_cast(regexp_extract({text}, r'{number}', 1) AS BIGINT) END"
    )


def id_sql(text: str) -> str:
    """Return `read_id` as a Spark SQL expression."""
    number = whole_number_sql(text)
    return f"CASE WHEN NOT contains({text}, '-') THEN {number} END"
