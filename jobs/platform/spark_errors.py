"""Converts Spark's errors about a bad row or file to one-line messages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.platform.errors import BadInput

_BROKEN_RULES = ("CAST_INVALID_INPUT", "CAST_OVERFLOW")
_OUR_ERROR = re.compile(r"^jobs\.platform\.errors\.BadInput: (.*)$", re.MULTILINE)


@contextmanager
def convert_spark_errors(table: str) -> Iterator[None]:
    """Convert Spark's error about a row that breaks the table's contract, or about an unreadable file, to a BadInput of one line.

    Raises:
        BadInput: a value has the wrong type, is missing, or breaks a rule, or a file is damaged; nothing was written.
    """
    from pyspark.errors import PySparkException  # pyspark takes long to import, and not every job needs it

    try:
        yield
    except PySparkException as error:
        if match := _OUR_ERROR.search(str(error)):  # an executor could not read a file of the landing
            raise BadInput(match[1]) from error
        for line in str(error).splitlines():
            if any(broken in line for broken in _BROKEN_RULES):
                raise BadInput(f"{table}: a row breaks its contract, nothing was written: {line}") from error
        raise
