"""Check the Java that Spark would start: ``python -m infra.spark.java`` fails with a message if Spark cannot run on it."""

import os
import re
import subprocess
import sys

_SUPPORTED = ("17", "21")
_INSTALL = "sudo apt-get install openjdk-17-jre-headless"


def fault() -> str | None:
    """Return what is wrong with this machine's Java and what to do, in one line; None if Spark can run on it."""
    home = os.environ.get("JAVA_HOME")
    version = _version(f"{home}/bin/java" if home else "java")
    if version is not None and version.split(".")[0] in _SUPPORTED:
        return None
    if home:
        problem = "contains no working Java" if version is None else f"is Java {version}"
        return f"JAVA_HOME={home} {problem}; Spark needs Java 17 or 21: unset JAVA_HOME, or set it to one of these"
    problem = "there is no working `java`" if version is None else f"`java` is version {version}"
    return f"Spark needs Java 17 or 21, but {problem}; install it with: {_INSTALL}, or set JAVA_HOME"


def _version(java: str) -> str | None:
    try:
        result = subprocess.run([java, "-version"], capture_output=True, text=True, errors="replace", check=False)
    except OSError:
        return None
    match = re.search(r'version "([^"]+)"', result.stderr + result.stdout)
    return match[1] if match and result.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(fault())
