"""Whether this machine may work on the lake: its pseudonym key and erasure list must be those that the lake was made with.

Otherwise it would call the same users by other names, or bring erased ones back, without an error.
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
    """Make sure that this machine has the lake's key and erasure list. Nothing is written; any machine may begin a new lake.

    Raises:
        UsageError: the key is missing or another one, or the list is an older or another one.
    """
    known = identity.read(settings)
    if known is not None or identity.has_tables(settings):
        _compare(settings, known, key(settings))


def claim(settings: Settings) -> bytes:
    """Have the lake know this machine's key and erasure list, which must not be other ones than it knows; returns the key.

    To be called before anything is written under a pseudonym, and after users were erased. A new lake is given its identity; so
    is one whose tables were made before lakes had any. A list that has become longer is taken down.

    Raises:
        UsageError: the key is missing or another one, or the list is an older or another one.
    """
    secret = key(settings)
    for _ in range(_ATTEMPTS):
        known = identity.read(settings)  # before the list, which only grows
        _compare(settings, known, secret)
        held = Identity(fingerprint(secret), erasure.version(settings))
        if known == held:
            return secret
        if known is None:
            identity.create(settings, held)
            _log.info("%s belongs to the pseudonym key in %s from now on", settings.lake, origin(settings))
        else:
            identity.update(settings, known, replace(known, erasure_list=held.erasure_list))
    raise NightreelError(f"{settings.lake}: no turn among {_ATTEMPTS} changes of its identity; run the job again")


def erased(settings: Settings) -> frozenset[str]:
    """The erasure list, as it is now, after `claim`; to be asked before and after a write.

    Raises:
        UsageError: the key is missing or another one, or the list is an older or another one.
    """
    claim(settings)
    return erasure.read(settings)


def _compare(settings: Settings, known: Identity | None, secret: bytes) -> None:
    if known is not None and known.key != fingerprint(secret):
        raise UsageError(
            f"{origin(settings)} is not the pseudonym key of the lake {settings.lake}, so its users would not be known again; "
            "give the key that the lake was made with"
        )
    erasure.check_key(settings, secret)
    if known is not None and not erasure.includes(settings, known.erasure_list):
        raise UsageError(
            f"the erasure list {erasure.path(settings)} lacks users who were erased from the lake {settings.lake}; "
            "copy secrets/erased_users.txt there from the machine where make erase was run last"
        )
