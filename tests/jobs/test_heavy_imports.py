"""No job imports what it does not use: half of a small night's time is the start of its jobs."""

import importlib
import multiprocessing
import resource
import sys
import time
from dataclasses import dataclass
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
    "jobs.video.training_clips": {"torch"},
    "jobs.video.train_generator": {"matplotlib.axes", "mlflow", "torch"},
}
"""Job -> the large libraries that it imports at once. Models are imported when they are asked for, by their registries."""

COMMON = ["jobs.platform.job", "pyspark.sql"]

JOBS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "jobs").rglob("*.py")
    if "\ndef main(" in path.read_text(encoding="utf-8")
)


@dataclass
class Import:
    """What an import brought."""

    libraries: set[str]
    """Those of `HEAVY`."""
    cpu_s: float
    megabytes: float
    """The most that the process has taken."""


def imported(*modules: str) -> Import:
    """Import modules in this process and measure it."""
    before = time.process_time()
    for module in modules:
        importlib.import_module(module)
    cpu_s, usage = time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF)
    return Import({name for name in HEAVY if name in sys.modules}, cpu_s, usage.ru_maxrss / 1024)


@pytest.fixture(scope="module")
def measured() -> dict[str, Import]:
    """What each job imports, each in a process of its own that has imported what all of them do."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(COMMON)
    with context.Pool(1, maxtasksperchild=1) as processes:
        return dict(zip(JOBS, processes.imap(imported, JOBS), strict=True))


@pytest.fixture(scope="module")
def of_pyarrow() -> Import:
    return alone("pyarrow")


@pytest.fixture(scope="module")
def common() -> Import:
    return alone(*COMMON)


def alone(*modules: str) -> Import:
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(imported, modules)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_imports_what_it_uses(job: str, measured: dict[str, Import], common: Import, of_pyarrow: Import) -> None:
    found = measured[job]
    assert found.libraries == USED.get(job, set())
    megabytes, cpu_s = found.megabytes / of_pyarrow.megabytes, (common.cpu_s + found.cpu_s) / of_pyarrow.cpu_s
    assert megabytes < (20 if "torch" in found.libraries else 6 if "mlflow" in found.libraries else 4)
    assert cpu_s < (120 if "torch" in found.libraries else 80 if found.libraries else 18)
