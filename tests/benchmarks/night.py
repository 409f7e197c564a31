"""Time of a warm night by task and by service, and comparison with other checkouts.

    .venv/bin/python -m tests.benchmarks.night --source LOGS [--date 2022-05-01] [--up] [--against ../other] [--rounds 2]

Each checkout runs the night through Airflow with a separate state folder: once to create tables, models and the video generator,
then `--rounds` times, with the checkouts taking turns. With `--up` the services already run, as they do for scheduled nights;
otherwise each night starts and stops them. CPU seconds are those of all processes that started or worked meanwhile, sampled ten
times a second. A last night, whose jobs send their metrics, shows where the time of each task goes. Run it on an idle machine.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import polars as pl
import psutil

from infra.local.paths import State
from jobs.platform.phases import Phase
from tests import otlp

ROOT = Path(__file__).parents[2]
_SERVICES = {"api_server": "Airflow, API server", "scheduler": "Airflow, scheduler", "dag-processor": "Airflow, DAGs"}


@dataclass
class Measurement:
    """Times of one run of the night."""

    wall_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """CPU seconds by job or service."""
    tasks: dict[str, float] = field(default_factory=dict)
    """Seconds from start to end of each task, from Airflow."""


def name_of(command: list[str]) -> str:
    """Return the job or service of a process from its command line."""
    for module in (word for word in command if word.startswith("jobs.")):
        return f"{module} {command[command.index('--model') + 1]}" if "--model" in command else module
    if command and command[0].endswith("java"):
        return "Spark"
    text = " ".join(command)
    return next(
        (name for word, name in _SERVICES.items() if word in text), "Airflow, tasks" if "airflow" in text else "others"
    )


Process: TypeAlias = tuple[int, float]
"""Process id and time of creation."""


def cpu_by_process() -> dict[Process, tuple[str, float]]:
    """Return the name of each process of the machine and the CPU seconds that it has used."""
    return {
        (process.pid, process.info["create_time"]): (name_of(command), cpu.user + cpu.system)
        for process in psutil.process_iter(["create_time", "cmdline", "cpu_times"])
        if (cpu := process.info["cpu_times"]) and (command := process.info["cmdline"])
    }


@contextmanager
def services(home: Path) -> Iterator[None]:
    """Run the services of this checkout for a state folder, as `make up` and `make down` do."""
    environment = {**os.environ, "NIGHTREEL_HOME": str(home)}
    command = [sys.executable, "-m", "infra.services"]
    subprocess.run([*command, "up"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    try:
        yield
    finally:
        subprocess.run([*command, "down"], cwd=ROOT, env=environment, check=True)


def run(root: Path, home: Path, source: str, date: str) -> Measurement:
    """Run the night in a checkout and measure its processes."""
    command = [str(root / ".venv/bin/python"), "-m", "infra.local.nightly", "--from", date, "--to", date]
    environment = {**os.environ, "NIGHTREEL_HOME": str(home), "PYTHONPATH": str(root)}
    started, measurement, before = time.monotonic(), Measurement(), cpu_by_process()
    sampled: dict[Process, tuple[str, float]] = {}
    night = subprocess.Popen([*command, "--source", source], cwd=root, env=environment, stdout=subprocess.DEVNULL)
    while night.poll() is None:
        sampled |= cpu_by_process()
        time.sleep(0.1)
    measurement.wall_s = time.monotonic() - started
    if night.returncode:
        sys.exit(f"the night of {root} failed")
    for process, (name, cpu_s) in sampled.items():
        measurement.cpu_s[name] += cpu_s - before.get(process, ("", 0.0))[1]
    measurement.tasks = json.loads((home / "run" / "durations" / f"{date}.json").read_text())
    return measurement


def tasks_of_last_night(home: Path) -> pl.DataFrame:
    """Return the tasks of the last run of each DAG.

    `waited` are the seconds that a task was ready to run, but had no slot or was not started yet, `ran` those from start to end.
    """
    query = """
        select task_id as task, sum(julianday(start_date) - julianday(scheduled_dttm)) * 86400 as waited,
            sum(duration) as ran
        from task_instance join (
            select max(id), run_id, dag_id from dag_run where dag_id in ('nightly', 'text_to_video') group by dag_id
        ) using (run_id, dag_id)
        where state = 'success' group by task_id order by min(start_date)
    """
    with closing(sqlite3.connect(State(home).airflow / "airflow.db")) as database:
        return pl.read_database(query, database)


def task_of(labels: dict[str, str]) -> str:
    """Return the end of the id of the task that ran a job, from the labels of its metrics."""
    module = labels["module"]
    if module.endswith(".train"):
        return ".train_" + labels["model"]
    return "." + (module if module.endswith(".promote") else labels.get("table", module).rpartition(".")[2])


def print_phases(root: Path, home: Path, source: str, date: str) -> None:
    """Run the night once more, and print for each task how long it waited and how long each phase of its job took.

    `airflow` is the rest of the task's time: Airflow starts it and records its end, and the job sends its metrics.
    """
    with otlp.receiver() as received:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = received.endpoint
        run(root, home, source, date)
    phases: dict[str, dict[Phase, float]] = defaultdict(lambda: dict.fromkeys(Phase, 0.0))
    for name, labels, seconds in received.samples:
        if name == "nightreel_job_phase_duration_seconds":
            phases[task_of(labels)][Phase(labels["phase"])] += seconds
    rows: list[dict[str, object]] = []
    for task, waited, ran in tasks_of_last_night(home).iter_rows():
        of_job = next((phases[end] for end in phases if f".{task}".endswith(end)), dict.fromkeys(Phase, 0.0))
        rows.append({"task": task, "waited": waited, "airflow": ran - sum(of_job.values())} | dict(of_job))
    table = pl.DataFrame(rows)
    total = table.select(pl.lit("in all").alias("task"), pl.exclude("task").sum())
    with pl.Config(tbl_rows=-1, tbl_cols=-1, float_precision=1, tbl_hide_dataframe_shape=True, tbl_width_chars=120):
        print(pl.concat([table, total]))


def import_s(job: str) -> float:
    """Return the CPU seconds of the import of a job, best of three."""
    code = f"import {job.split()[0]}, resource; r = resource.getrusage(resource.RUSAGE_SELF); print(r.ru_utime + r.ru_stime)"
    results = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True) for _ in range(3)]
    return min(float(result.stdout) for result in results)


def print_table(measurement: Measurement) -> None:
    """Print one line for each job or service, the most expensive first."""
    print(f"{'CPU s':>8}{'import':>8}  job or service")
    for name, cpu_s in sorted(measurement.cpu_s.items(), key=lambda item: -item[1]):
        imported = f"{import_s(name):8.1f}" if name.startswith("jobs.") else " " * 8
        print(f"{cpu_s:8.1f}{imported}  {name}")
    print(f"\n{'s':>8}  task, from start to end")
    for task, seconds in sorted(measurement.tasks.items(), key=lambda item: -item[1]):
        print(f"{seconds:8.1f}  {task}")


def main() -> None:
    """Run the nights in turn and print their times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True, help="folder of logs, or simulator")
    parser.add_argument("--date", default="2022-05-01")
    parser.add_argument(
        "--up", action="store_true", help="keep the services running, and compare with no other checkout"
    )
    parser.add_argument("--against", type=Path, nargs="*", default=[], help="other checkouts, already set up")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--homes", type=Path, help="folder of the state folders; existing ones count as warm")
    args = parser.parse_args()
    if args.up and args.against:
        parser.error("--up keeps only the services of this checkout running: leave --against out")
    source = args.source if args.source == "simulator" else str(Path(args.source).resolve())
    homes = args.homes or Path(tempfile.mkdtemp(prefix="nightreel-"))
    roots = {ROOT: homes / "this"} | {other.resolve(): homes / other.name for other in args.against}
    for root, home in roots.items():
        if not home.exists():
            print(f"{root}: first night {run(root, home, source, args.date).wall_s:.0f} s", flush=True)
    measurements: dict[Path, list[Measurement]] = {root: [] for root in roots}
    with services(roots[ROOT]) if args.up else nullcontext():
        for root, home in list(roots.items()) * args.rounds:
            measurements[root].append(measurement := run(root, home, source, args.date))
            print(f"{root}: {measurement.wall_s:.0f} s, {sum(measurement.cpu_s.values()):.0f} CPU s", flush=True)
    best = {root: min(measurement.wall_s for measurement in nights) for root, nights in measurements.items()}
    for root, wall_s in best.items():
        print(f"{root}: best {wall_s:.0f} s, ratio {wall_s / best[ROOT]:.2f}")
    print_table(min(measurements[ROOT], key=lambda measurement: measurement.wall_s))
    print_phases(ROOT, roots[ROOT], source, args.date)


if __name__ == "__main__":
    main()
