"""How time and memory of a night's jobs grow with its events, and what a skewed day costs.

    .venv/bin/python -m tests.benchmarks.growth [--events 1000000 10000000] [--skewed] [--only features] [--plot growth.png]

Each size is a simulated night in a separate state folder. Its jobs run one after another, each in its own process, with a Spark
Connect server as on one machine. Times are wall-clock and CPU seconds of the job and the server. Peak memory is the resident set
of the job's process, and of the server with its Python workers, sampled ten times a second. With `--skewed` each night also runs
with one video that has 20 % of the views and one user who has 1 % of them. Run it on an idle machine.
"""

import argparse
import csv
import datetime as dt
import gzip
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
import psutil
from tqdm import tqdm

from infra import environment
from infra.local.paths import State
from jobs.ingest import landing, manifest
from jobs.ingest.feeds import BEHAVIOR_LOGS
from jobs.ingest.gzip_file import write_gzip
from jobs.ingest.simulator.night import SIMULATED
from tests.infra.connect_server import connect_server
from tests.night_jobs import NIGHT_JOBS

NIGHT = dt.date(2022, 5, 1)
VIDEO_SHARE, USER_SHARE = 0.2, 0.01


@dataclass(frozen=True)
class Measurement:
    """One job of one night."""

    events: int
    skewed: bool
    job: str
    seconds: float
    cpu_s: float
    job_mib: float
    spark_mib: float


class Peak:
    """Peak memory and CPU seconds of a process and of the processes that it started, sampled in a thread.

    Only sampling sees all CPU seconds: the system forgets those of Spark's Python workers when they end.
    """

    def __init__(self, pid: int) -> None:
        self.mib = 0.0
        self._process = psutil.Process(pid)
        self._cpu: dict[int, float] = {}
        self._before = {process.pid: _cpu_s(process) for process in self._processes()}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    @property
    def cpu_s(self) -> float:
        return sum(cpu_s - self._before.get(pid, 0.0) for pid, cpu_s in self._cpu.items())

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stopped.wait(0.1):
            total = 0
            try:
                for process in self._processes():
                    total += process.memory_info().rss
                    self._cpu[process.pid] = _cpu_s(process)
            except psutil.Error:  # it ended meanwhile
                continue
            self.mib = max(self.mib, total / 2**20)

    def _processes(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def skew(home: Path) -> None:
    """Give one video 20 % of the views of the landed night, and one user 1 % of them. Broken bytes stay as they are."""
    folder = landing.folder(home / "landing", BEHAVIOR_LOGS, NIGHT)
    rng = np.random.default_rng(0)
    video = user = None
    for path in sorted(folder.glob(SIMULATED)):
        lines = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode("latin-1"))))
        header, rows = lines[0], lines[1:]
        user_column, video_column = header.index("user_id"), header.index("video_id")
        for row, chance in zip(rows, rng.random((len(rows), 2)), strict=True):
            if len(row) != len(header):
                continue  # a broken line
            video, user = video or row[video_column], user or row[user_column]
            if chance[0] < VIDEO_SHARE:
                row[video_column] = video
            if chance[1] < USER_SHARE:
                row[user_column] = user
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        write_gzip(path, [text.getvalue().encode("latin-1")])
    manifest.write(home / "landing", BEHAVIOR_LOGS, NIGHT)


def run_night(
    events: int, skewed: bool, jobs: Iterable[tuple[str, ...]], show: Callable[[str], None]
) -> list[Measurement]:
    """Run the jobs of one simulated night in an empty state folder and measure them."""
    measurements = []
    with tempfile.TemporaryDirectory() as folder, connect_server(State(Path(folder))) as (daemon, address):
        spark_pid = daemon.pid
        assert spark_pid is not None
        variables = os.environ | {
            "NIGHTREEL_HOME": folder, "NIGHTREEL_SOURCE": "simulator", "NIGHTREEL_SIMULATED_EVENTS": str(events),
            "SPARK_REMOTE": address,
        }  # fmt: skip
        for module, *arguments in jobs:
            command = [sys.executable, "-m", f"jobs.{module}", *arguments, "--date", str(NIGHT)]
            started, server = time.monotonic(), Peak(spark_pid)
            process = subprocess.Popen(
                command,
                cwd=environment.ROOT,
                env=variables,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            job = Peak(process.pid)
            _, errors = process.communicate()
            job.stop()
            server.stop()
            name = " ".join([module, *arguments])
            if process.returncode:
                sys.exit(f"{name} failed with {events} events:\n{errors[-3000:]}")
            seconds = time.monotonic() - started
            cpu_s = job.cpu_s + server.cpu_s
            measurements.append(Measurement(events, skewed, name, seconds, cpu_s, job.mib, server.mib))
            show(f"{events:>11,} {'skewed' if skewed else 'even':6} {seconds:8.1f} s {cpu_s:8.1f} CPU s "
                 f"{job.mib:7.0f} MiB {server.mib:7.0f} MiB Spark  {name}")  # fmt: skip
            if skewed and module == "ingest.land":
                skew(Path(folder))
    return measurements


def exponents(measurements: list[Measurement]) -> pl.DataFrame:
    """Return for each job the exponent of its time between the two largest even nights: 1 is proportional."""
    even = pl.DataFrame([asdict(m) for m in measurements]).filter(~pl.col("skewed"))
    sizes = even["events"].unique().sort()[-2:].to_list()
    small, large = (even.filter(pl.col("events") == size) for size in sizes)
    both = small.join(large, "job", suffix="_large", maintain_order="left")
    growth = (pl.col("seconds_large") / pl.col("seconds")).log() / np.log(sizes[1] / sizes[0])
    return both.select("job", "seconds", "seconds_large", growth.round(2).alias("exponent"))


def plot(measurements: list[Measurement], path: Path) -> None:
    """Draw the seconds and the peak memory of each job against the events of the night."""
    import matplotlib.pyplot as plt

    even = pl.DataFrame([asdict(m) for m in measurements]).filter(~pl.col("skewed")).sort("events")
    slowest = even.group_by("job").agg(pl.col("seconds").max()).sort("seconds", descending=True)["job"].head(10)
    figure, (time_axes, memory_axes) = plt.subplots(1, 2, figsize=(13, 7), layout="constrained")
    for job in slowest:
        rows = even.filter(pl.col("job") == job)
        time_axes.plot(rows["events"], rows["seconds"], marker="o", label=job)
        memory_axes.plot(rows["events"], rows["job_mib"], marker="o", label=job)
    totals = even.group_by("events", maintain_order=True).agg(pl.col("seconds").sum(), pl.col("spark_mib").max())
    time_axes.plot(totals["events"], totals["seconds"], "k--", label="all jobs")
    memory_axes.plot(totals["events"], totals["spark_mib"], "k--", label="Spark and its Python workers")
    for axes, label in ((time_axes, "seconds"), (memory_axes, "peak memory, MiB")):
        axes.set(xscale="log", yscale="log", xlabel="events of the night", ylabel=label)
        axes.grid(which="both", alpha=0.3)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, fontsize="small")
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run the nights and print the times, the exponents and the cost of skew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--skewed", action="store_true", help="also run each night with skewed views")
    parser.add_argument("--only", default="", help="run only the jobs whose names begin so, and ingest")
    parser.add_argument("--plot", type=Path, help="file for the plot")
    args = parser.parse_args()
    jobs = [job for job in NIGHT_JOBS if job[0].startswith(("ingest.", args.only))]
    nights = [
        (events, skewed) for events in sorted(args.events) for skewed in ([False, True] if args.skewed else [False])
    ]
    measurements: list[Measurement] = []
    for events, skewed in tqdm(nights, unit="night", disable=None):
        measurements += run_night(events, skewed, jobs, tqdm.write)
        night = [m for m in measurements if (m.events, m.skewed) == (events, skewed)]
        tqdm.write(f"{events:>11,} {'skewed' if skewed else 'even':6} {sum(m.seconds for m in night):8.1f} s in all")
    if len(args.events) > 1:
        with pl.Config(tbl_rows=-1, fmt_str_lengths=60, tbl_hide_dataframe_shape=True):
            print(exponents(measurements))
    if args.plot:
        plot(measurements, args.plot)


if __name__ == "__main__":
    main()
