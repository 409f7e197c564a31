"""Fetch Spark's additional jars once, check their digests, and write the Spark configuration that uses them.

Run by `make setup` in the jobs' environment: ``python -m infra.spark.resolve_jars ENVIRONMENT``. The jars go to
ENVIRONMENT/jars, the configuration to ENVIRONMENT/spark-conf. Spark sessions then start from these files without network access.
`make s3` adds ``--s3``: the jars for tables on S3 (670 MB), which stay installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from infra import durable
from infra.spark import launch

HERE = Path(__file__).parent
# The other dependencies come with Spark. Unity Catalog and the Delta kernel are not used in this project.
EXCLUDED = {
    "jars.sha256": "org.*:*,com.*:*,io.unitycatalog:*,io.delta:delta-kernel*",
    "jars-s3.sha256": "org.apache.hadoop:hadoop-client*",
}
"""List of pinned jars -> coordinates of their dependencies that are not fetched."""


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
    """True if the file exists and has this SHA-256. It is read in blocks: the largest jar has 690 MB."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def fetch(jars: dict[str, str], excluded: str, into: Path) -> None:
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
        command += ["--packages", ",".join(map(maven_coordinate, jars)), "--exclude-packages", excluded]
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
                raise SystemExit(f"{name}: its SHA-256 differs from the one in infra/spark; not installed")
            with durable.replacing(into / name) as draft:
                shutil.copyfile(jar, draft)


def write_configuration(jars: list[Path], into: Path) -> None:
    """Write the settings of one machine (`spark-defaults.conf`) and of a cluster (`cluster.conf`), with the paths of the jars."""
    into.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "log4j2.properties", into / "log4j2.properties")
    # Not spark.jars: OpenLineage's listener looks for Delta's classes, but spark.jars uses a different class loader.
    class_path = f"{'extraClassPath':<30} {':'.join(str(jar) for jar in jars)}\n"
    common = (HERE / "common.conf").read_text() + "\n"
    driver, executor = f"\nspark.driver.{class_path}", f"spark.executor.{class_path}"
    durable.write(into / "cluster.conf", common + (HERE / "cluster.conf").read_text() + driver + executor)
    durable.write(into / "spark-defaults.conf", common + (HERE / "local.conf").read_text() + driver)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", type=Path)
    parser.add_argument("--s3", action="store_true", help="fetch the jars for tables on S3 too")
    args = parser.parse_args()
    environment = args.environment.absolute()
    directory = environment / "jars"
    installed: list[Path] = []
    for listing, excluded in EXCLUDED.items():
        jars = pinned_jars((HERE / listing).read_text())
        is_complete = all(matches(directory / name, digest) for name, digest in jars.items())
        if not is_complete and listing == "jars-s3.sha256" and not args.s3:
            continue
        if not is_complete:
            print(f"Fetching the jars in {listing}")
            fetch(jars, excluded, directory)
        installed += [directory / name for name in jars]
    write_configuration(installed, environment / "spark-conf")


if __name__ == "__main__":
    main()
