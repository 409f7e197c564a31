"""Fetch the jars of Delta and OpenLineage once, check their digests, and write the Spark configuration that uses them.

Run by `make setup` in the jobs' environment: ``python -m infra.spark.resolve_jars ENVIRONMENT``. The jars go to
ENVIRONMENT/jars, the configuration to ENVIRONMENT/spark-conf. Spark sessions then start from these files without network access.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra import durable
from infra.spark import launch

HERE = Path(__file__).parent
# Delta's other dependencies come with Spark. Unity Catalog and the Delta kernel are not used in this project.
EXCLUDED = "org.*:*,com.*:*,io.unitycatalog:*,io.delta:delta-kernel*"


def pinned_jars(listing: str) -> dict[str, str]:
    """Parse a `sha256sum` listing: file name -> SHA-256."""
    pairs = (line.split() for line in listing.splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def maven_coordinate(file_name: str) -> str:
    """Convert Ivy's file name ``io.delta_delta-storage-4.4.0.jar`` to the coordinate ``io.delta:delta-storage:4.4.0``."""
    group, rest = file_name.removesuffix(".jar").split("_", 1)
    artifact, version = rest.rsplit("-", 1)
    return f"{group}:{artifact}:{version}"


def matches(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def fetch(jars: dict[str, str], into: Path) -> None:
    """Download the jars through Ivy and check each. Ivy gets its own directory, because a broken ~/.m2 or ~/.ivy2 makes it fail.

    Raises:
        SystemExit: Spark could not download a jar, or its digest differs from the pinned one.
    """
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent) as scratch:
        ivy = Path(scratch, "ivy")
        empty_application = Path(scratch, "empty.py")
        empty_application.touch()
        command = [str(launch.spark_home() / "bin" / "spark-submit"), "--master", "local[1]"]
        command += ["--conf", f"spark.jars.ivy={ivy}", "--conf", f"spark.driver.extraJavaOptions=-Duser.home={scratch}"]
        command += ["--packages", ",".join(map(maven_coordinate, jars)), "--exclude-packages", EXCLUDED]
        command += [str(empty_application)]
        environment = os.environ | launch.variables() | {"SPARK_CONF_DIR": scratch, "SPARK_SUBMIT_OPTS": ""}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        for name, digest in jars.items():
            jar = ivy / "jars" / name
            if not jar.is_file():
                raise SystemExit(
                    f"{result.stderr}\n{name}: Spark could not download it (see above); check the network connection"
                )
            if not matches(jar, digest):
                raise SystemExit(f"{name}: its SHA-256 differs from {HERE.name}/jars.sha256; not installed")
            with durable.replacing(into / name) as draft:
                shutil.copyfile(jar, draft)


def write_configuration(jars: list[Path], into: Path) -> None:
    """Write a SPARK_CONF_DIR: the committed settings, and a class path with the absolute paths of the jars."""
    into.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "log4j2.properties", into / "log4j2.properties")
    settings = (HERE / "spark-defaults.conf").read_text()
    # Not spark.jars: OpenLineage's listener looks for Delta's classes, but spark.jars uses a different class loader.
    settings += f"\nspark.driver.extraClassPath                      {':'.join(str(jar) for jar in jars)}\n"
    durable.write(into / "spark-defaults.conf", settings)


def main() -> None:
    environment = Path(sys.argv[1]).absolute()
    jars = pinned_jars((HERE / "jars.sha256").read_text())
    directory = environment / "jars"
    if not all(matches(directory / name, digest) for name, digest in jars.items()):
        print("Fetching the jars of Delta and OpenLineage")
        fetch(jars, directory)
    write_configuration([directory / name for name in jars], environment / "spark-conf")


if __name__ == "__main__":
    main()
