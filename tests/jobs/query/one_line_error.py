"""The assertion that a command ends with one line that says what is wrong."""

from collections.abc import Callable, Sequence

import pytest


def assert_one_line_error(
    main: Callable[[Sequence[str]], None],
    arguments: Sequence[str],
    code: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run a command and check its exit code, that its only output is one line on stderr, and that the line contains the text."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    printed = capsys.readouterr()
    assert stopped.value.code == code
    assert text in printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert not printed.out
