"""Expected errors of jobs. Their exit codes (sysexits.h) tell the scheduler whether to retry."""

import datetime as dt


class NightreelError(Exception):
    """An error that the operator has to know about. The message is one line: what is wrong, where, and what to do."""

    exit_code = 1


class UsageError(NightreelError):
    """The command or a setting is wrong (EX_USAGE): a retry cannot help."""

    exit_code = 64


class BadInput(NightreelError):
    """The data exists but cannot be used (EX_DATAERR): a retry cannot help."""

    exit_code = 65


class UndeclaredInput(NightreelError):
    """A job reads a source that its table's contract or its model does not declare (EX_SOFTWARE): a retry cannot help."""

    exit_code = 70


class MissingInput(NightreelError):
    """An input that the job needs does not exist (EX_NOINPUT)."""

    exit_code = 66

    def __init__(self, table: str, day: dt.date | None = None, hint: str = "") -> None:
        where = table if day is None else f"{table} has no rows for {day}"
        super().__init__(f"missing input: {where}" + (f"; {hint}" if hint else ""))
        self.table = table
        self.day = day


class AccessRefused(NightreelError):
    """The object store refuses the credentials (EX_NOPERM). A retry helps if its process is given renewed ones."""

    exit_code = 77
