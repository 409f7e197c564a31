"""CI runs all that a change has to pass, on every Python that the project supports."""

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_ci_runs_make_check() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make check"


def test_the_workflow_runs_it_on_every_python() -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yaml").read_text())["jobs"]["check"]
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    versions = job["strategy"]["matrix"]["python"]
    assert versions == [f"3.{minor}" for minor in range(11, 14)]
    assert supported == ">=3.11,<3.14"
    assert job["steps"][-1] == {"run": ".ci/run"}
