"""Named points in the code at which a test can kill or stop the process without cleanup, as a power cut or the kernel would."""

import os
import signal


def failpoint(name: str) -> None:
    """Kill or stop this process if NIGHTREEL_FAILPOINT names this point, e.g. `kill:staged` or `stop:audited`."""
    requested = os.environ.get("NIGHTREEL_FAILPOINT")
    if requested == f"kill:{name}":
        os.kill(os.getpid(), signal.SIGKILL)
    if requested == f"stop:{name}":
        os.kill(os.getpid(), signal.SIGSTOP)
