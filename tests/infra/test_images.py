"""The images install what the locks say, run as any user, and can be started by Spark."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "infra" / "images" / "Dockerfile").read_text()
ENTRYPOINT = str(ROOT / "infra" / "images" / "entrypoint.sh")
STAGES = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    """Return the pins of a lock: package -> version, marker and digests."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    pins = re.findall(r"^(\S+)==(.+(?:\n {4}--hash.+)+)", text, re.MULTILINE)
    return dict(pins)


def user_without_account(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with a user id that has no account, and group 0, as OpenShift does."""
    before = ["setpriv", "--reuid", "54321", "--regid", "0", "--clear-groups"]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs a root that may become another user (setpriv)")
    environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", **variables}
    return subprocess.run([*before, *command], env=environment, cwd="/", capture_output=True, text=True, check=False)


def test_the_base_is_a_digest_and_its_python_is_that_of_the_locks() -> None:
    (base,) = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", base)
    assert "--python-version 3.11 " in (ROOT / "Makefile").read_text()
    names = [name for _, name in STAGES]
    assert all(source == "${BASE}" or source in names[:place] for place, (source, _) in enumerate(STAGES))


@pytest.mark.parametrize("image", ["jobs", "airflow", "worker"])
def test_an_image_runs_as_a_user_that_is_not_root_and_has_no_build_tools(image: str) -> None:
    parents = {name: source for source, name in STAGES}
    text = dict(zip(parents, re.split(r"^FROM .*$", DOCKERFILE, flags=re.MULTILINE)[1:], strict=True))
    assert re.findall(r"^USER (.+)$", text[image], re.MULTILINE) == ["1000:0"]
    stage = image
    while stage in parents:
        assert "make" not in text[stage]
        stage = parents[stage]


def test_what_is_copied_exists() -> None:
    for arguments in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        *sources, _ = arguments.split()
        assert all(list(ROOT.glob(source)) for source in sources if source != "."), arguments


def test_an_image_contains_the_versions_that_were_tested() -> None:
    runtime, tested = locked("requirements-runtime.txt"), locked("requirements-jobs.txt")
    assert runtime.items() <= tested.items()
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["jobs"]
    assert {re.split(r"[\[<>=]", requirement)[0] for requirement in group} <= runtime.keys()
    assert not {"pytest", "mypy", "ruff", "uv"} & runtime.keys()


def test_a_user_without_account_has_one_in_the_image() -> None:
    script = "import os, pwd; print(pwd.getpwuid(os.getuid()).pw_name, os.getgid())"
    result = user_without_account(ENTRYPOINT, "python3", "-c", script)
    assert (result.stdout, result.stderr) == ("nightreel 0\n", "")


def test_a_secret_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a b$c\n")
    environment = os.environ | {"NIGHTREEL_PSEUDONYM_KEY_FILE": str(tmp_path / "key")}
    command = [ENTRYPOINT, "sh", "-c", 'printf %s "$NIGHTREEL_PSEUDONYM_KEY"']
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "a b$c"


def test_a_missing_secret_stops_the_container(tmp_path: Path) -> None:
    environment = os.environ | {"NIGHTREEL_PSEUDONYM_KEY_FILE": str(tmp_path / "absent")}
    result = subprocess.run([ENTRYPOINT, "true"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "absent: No such file" in result.stderr


def test_spark_starts_an_executor_with_its_options() -> None:
    """The executor itself runs: it looks for its driver, at an address where there is none."""
    variables = {
        "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@127.0.0.1:9",
        "SPARK_EXECUTOR_ID": "1",
        "SPARK_EXECUTOR_CORES": "1",
        "SPARK_EXECUTOR_MEMORY": "512m",
        "SPARK_APPLICATION_ID": "spark-1",
        "SPARK_EXECUTOR_POD_IP": "127.0.0.1",
        "SPARK_EXECUTOR_POD_NAME": "executor-1",
        "SPARK_RESOURCE_PROFILE_ID": "0",
        "SPARK_JAVA_OPT_0": "-Dfirst=with a blank",
        "SPARK_JAVA_OPT_10": "-Dlast=1",
        "SPARK_JAVA_OPT_9": "-XX:+PrintCommandLineFlags",
        "SPARK_CLASSPATH": "/absent.jar",
    }
    result = user_without_account(ENTRYPOINT, "executor", **variables)
    assert result.returncode != 0
    assert "-XX:+PrintCommandLineFlags" in result.stdout
    assert "Failed to connect to /127.0.0.1:9" in result.stdout + result.stderr
