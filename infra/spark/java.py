"""Which Java Spark would start, and whether it runs on that: ``python -m infra.spark.java`` says what is wrong, if anything."""

import os
import re
import subprocess
import sys

_FIT = ("17", "21")
_INSTALL = "sudo apt-get install openjdk-17-jre-headless"


def fault() -> str | None:
    """What is wrong with the Java of this machine, in one line that says what to do; None where Spark runs on it."""
    home = os.environ.get("JAVA_HOME")
    found = _version(f"{home}/bin/java" if home else "java")
    if found is not None and found.split(".")[0] in _FIT:
        return None
    if home:
        what = "has no Java that starts" if found is None else f"is Java {found}"
        return f"JAVA_HOME={home} {what}; Spark needs Java 17 or 21: unset JAVA_HOME, or set it to one of these"
    what = "there is none that starts" if found is None else f"`java` is {found}"
    return f"Spark needs Java 17 or 21, and {what}; install it with: {_INSTALL}, or set JAVA_HOME to one"


def _version(java: str) -> str | None:
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, errors="replace", check=False)
    except OSError:
        return None
    found = re.search(r'version "([^"]+)"', said.stderr + said.stdout)
    return found[1] if found and said.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(fault())
