"""No job imports what it does not use: half of a small night's time is the start of its jobs."""

import importlib
import multiprocessing
import resource
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("diffusers", "implicit", "jieba", "matplotlib.axes", "mlflow", "sklearn", "torch")
USED = {
    "jobs.ads.audience_segments": {"mlflow"},
    "jobs.ads.promote": {"matplotlib.axes", "mlflow"},
    "jobs.ads.train": {"matplotlib.axes", "mlflow", "torch"},
    "jobs.report.report": {"matplotlib.axes", "mlflow"},
    "jobs.platform.tracking.__main__": {"mlflow"},
    "jobs.recommend.promote": {"matplotlib.axes", "mlflow"},
    "jobs.recommend.recommendations": {"mlflow"},
    "jobs.recommend.train": {"matplotlib.axes", "mlflow"},
    "jobs.video.generate": {"torch"},
    "jobs.video.make_video": {"torch"},
    "jobs.video.requests": {"sklearn"},
    "jobs.video.train_generator": {"matplotlib.axes", "mlflow", "torch"},
}
"""Job -> the large libraries that it imports at once. Models are imported when they are asked for, by their registries."""

JOBS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "jobs").rglob("*.py")
    if "\ndef main(" in path.read_text(encoding="utf-8")
)


def imported(job: str) -> tuple[set[str], float]:
    """The large libraries that an import of the job brings, and the megabytes that the process has then taken at most."""
    importlib.import_module(job)
    return {name for name in HEAVY if name in sys.modules}, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(jobs: list[str]) -> dict[str, tuple[set[str], float]]:
    """What each job imports, each in a process of its own that has imported what all of them do."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jobs.platform.job", "pyspark.sql"])
    with context.Pool(1, maxtasksperchild=1) as processes:
        return dict(zip(jobs, processes.imap(imported, jobs), strict=True))


@pytest.fixture(scope="module")
def measured() -> dict[str, tuple[set[str], float]]:
    return measure(JOBS)


@pytest.fixture(scope="module")
def megabytes_of_pyarrow() -> float:
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(imported, ["pyarrow"])[1]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_imports_what_it_uses(
    job: str, measured: dict[str, tuple[set[str], float]], megabytes_of_pyarrow: float
) -> None:
    libraries, megabytes = measured[job]
    assert libraries == USED.get(job, set())
    assert megabytes / megabytes_of_pyarrow < (20 if "torch" in libraries else 6 if "mlflow" in libraries else 4)
