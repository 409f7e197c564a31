"""Checks whether this machine may work on the lake: it must have the lake's pseudonym key and current erasure list.

With another key the same users would silently get other pseudonyms; with an older list erased users would come back.
"""

import logging
from dataclasses import replace

from jobs.platform import erasure
from jobs.platform.errors import NightreelError, UsageError
from jobs.platform.lake import identity
from jobs.platform.lake.identity import Identity
from jobs.platform.pseudonym import fingerprint, key, origin
from jobs.platform.settings import Settings

_log = logging.getLogger(__name__)
_ATTEMPTS = 20


def check(settings: Settings) -> None:
    """Check that this machine has the lake's key and erasure list. Nothing is written; any machine may start a new lake.

    Raises:
        UsageError: the key is missing or is not the lake's, or the list is outdated or is not the lake's.
    """
    recorded = identity.read(settings)
    if recorded is not None or identity.has_tables(settings):
        _compare(settings, recorded, key(settings))


def register(settings: Settings) -> bytes:
    """Check this machine's key and erasure list, and record them in the lake if they are new there.

    Call it before writing anything under a pseudonym, and after users were erased. A lake without an identity (a new one, or one
    from before lakes had identities) gets one. A list that has grown replaces the recorded version.

    Returns:
        The pseudonym key.

    Raises:
        UsageError: the key is missing or is not the lake's, or the list is outdated or is not the lake's.
    """
    secret = key(settings)
    for _ in range(_ATTEMPTS):
        recorded = identity.read(settings)  # before the list, which only grows
        _compare(settings, recorded, secret)
        ours = Identity(fingerprint(secret), erasure.version(settings))
        if recorded == ours:
            return secret
        if recorded is None:
            identity.create(settings, ours)
            _log.info("%s now belongs to the pseudonym key in %s", settings.lake, origin(settings))
        else:
            identity.update(settings, recorded, replace(recorded, erasure_list=ours.erasure_list))
    raise NightreelError(
        f"{settings.lake}: gave up after {_ATTEMPTS} conflicting changes of its identity; rerun the job"
    )


def erased_users(settings: Settings) -> frozenset[str]:
    """Return the current erasure list after `register`. Call it before and after a write, to notice users erased meanwhile.

    Raises:
        UsageError: the key is missing or is not the lake's, or the list is outdated or is not the lake's.
    """
    register(settings)
    return erasure.read(settings)


def _compare(settings: Settings, recorded: Identity | None, secret: bytes) -> None:
    if recorded is not None and recorded.key != fingerprint(secret):
        raise UsageError(
            f"{origin(settings)} is not the pseudonym key of the lake {settings.lake}, so its users would not be recognised; "
            "use the key that the lake was created with"
        )
    erasure.check_key(settings, secret)
    if recorded is not None and not erasure.includes(settings, recorded.erasure_list):
        raise UsageError(
            f"the erasure list {erasure.path(settings)} lacks users who were erased from the lake {settings.lake}; "
            "copy it from the machine on which make erase ran last"
        )
