"""The errors that a job ends with on purpose, each with the exit code (sysexits.h) that tells the scheduler whether to retry."""

import datetime as dt


class NightreelError(Exception):
    """Something is wrong that a person must know of; the message is one line that says what, where and what to do."""

    exit_code = 1


class UsageError(NightreelError):
    """The command was called wrongly (EX_USAGE): trying again cannot help."""

    exit_code = 64


class BadInput(NightreelError):
    """Data is there but cannot be used (EX_DATAERR): trying again cannot help."""

    exit_code = 65


class UndeclaredInput(NightreelError):
    """A job reads what the contract of its table, or its model, does not declare (EX_SOFTWARE): trying again cannot help."""

    exit_code = 70


class MissingInput(NightreelError):
    """An input day that the job needs is not there (EX_NOINPUT)."""

    exit_code = 66

    def __init__(self, table: str, day: dt.date | None = None, hint: str = "") -> None:
        where = table if day is None else f"{table} has no rows for {day}"
        super().__init__(f"missing input: {where}" + (f"; {hint}" if hint else ""))
        self.table = table
        self.day = day
