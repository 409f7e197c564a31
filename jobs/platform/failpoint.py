"""Named places at which a test ends the process, as a power cut or the kernel would: without a word, nothing cleaned up."""

import os
import signal


def failpoint(name: str) -> None:
    """End or stop this process here if NIGHTREEL_FAILPOINT names the place, e.g. `kill:staged` or `stop:audited`."""
    wanted = os.environ.get("NIGHTREEL_FAILPOINT")
    if wanted == f"kill:{name}":
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted == f"stop:{name}":
        os.kill(os.getpid(), signal.SIGSTOP)
