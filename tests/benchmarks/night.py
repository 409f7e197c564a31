"""Measures the time of a warm night by task and service, and compares it with other checkouts.

    .venv/bin/python -m tests.benchmarks.night --source LOGS [--date 2022-05-01] [--against ../other] [--rounds 2]

Each checkout runs the night through Airflow in its own state folder: once to create tables, models and the video generator, then
`--rounds` times, and the checkouts alternate. CPU seconds are those of all processes that the night starts, sampled ten times a
second. The machine should be idle.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
_SERVICES = {"api_server": "Airflow, API server", "scheduler": "Airflow, scheduler", "dag-processor": "Airflow, DAGs"}


@dataclass
class Watched:
    """The time of one run of the night."""

    wall_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By job or service."""
    tasks: dict[str, float] = field(default_factory=dict)
    """Seconds from a task's start to its end, as reported by Airflow."""


def name_of(command: list[str]) -> str:
    """Return the job or service of a process, from its command line."""
    for module in (word for word in command if word.startswith("jobs.")):
        return f"{module} {command[command.index('--model') + 1]}" if "--model" in command else module
    if command and command[0].endswith("java"):
        return "Spark"
    text = " ".join(command)
    return next(
        (name for word, name in _SERVICES.items() if word in text), "Airflow, tasks" if "airflow" in text else "others"
    )


def run(root: Path, home: Path, source: str, date: str) -> Watched:
    """Run the night in a checkout and measure its processes."""
    command = [str(root / ".venv/bin/python"), "-m", "infra.local.nightly", "--from", date, "--to", date]
    environment = {**os.environ, "NIGHTREEL_HOME": str(home), "PYTHONPATH": str(root)}
    before, started, watched = set(psutil.pids()), time.monotonic(), Watched()
    taken: dict[tuple[int, float], tuple[str, float]] = {}
    night = subprocess.Popen([*command, "--source", source], cwd=root, env=environment, stdout=subprocess.DEVNULL)
    while night.poll() is None:
        for process in psutil.process_iter(["pid", "create_time", "cmdline", "cpu_times"]):
            cpu, arguments = process.info["cpu_times"], process.info["cmdline"]
            if process.pid not in before and cpu and arguments:
                taken[process.pid, process.info["create_time"]] = (name_of(arguments), cpu.user + cpu.system)
        time.sleep(0.1)
    watched.wall_s = time.monotonic() - started
    if night.returncode:
        sys.exit(f"the night of {root} failed")
    for name, cpu_s in taken.values():
        watched.cpu_s[name] += cpu_s
    watched.tasks = json.loads((home / "run" / "durations" / f"{date}.json").read_text())
    return watched


def import_s(job: str) -> float:
    """Return the CPU seconds of importing a job, the best of three."""
    code = f"import {job.split()[0]}, resource; r = resource.getrusage(resource.RUSAGE_SELF); print(r.ru_utime + r.ru_stime)"
    ran = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True) for _ in range(3)]
    return min(float(each.stdout) for each in ran)


def print_table(watched: Watched) -> None:
    """Print one line per job or service, the most expensive first, then one line per task."""
    print(f"{'CPU s':>8}{'import':>8}  job or service")
    for name, cpu_s in sorted(watched.cpu_s.items(), key=lambda item: -item[1]):
        imported = f"{import_s(name):8.1f}" if name.startswith("jobs.") else " " * 8
        print(f"{cpu_s:8.1f}{imported}  {name}")
    print(f"\n{'s':>8}  task, from its start to its end")
    for task, seconds in sorted(watched.tasks.items(), key=lambda item: -item[1]):
        print(f"{seconds:8.1f}  {task}")


def main() -> None:
    """Run the nights alternately, and print their times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True, help="folder of logs, or simulator")
    parser.add_argument("--date", default="2022-05-01")
    parser.add_argument("--against", type=Path, nargs="*", default=[], help="other checkouts, set up")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--homes", type=Path, help="folder of the state folders; existing ones are warm already")
    args = parser.parse_args()
    source = args.source if args.source == "simulator" else str(Path(args.source).resolve())
    homes = args.homes or Path(tempfile.mkdtemp(prefix="nightreel-"))
    roots = {ROOT: homes / "this"} | {other.resolve(): homes / other.name for other in args.against}
    for root, home in roots.items():
        if not home.exists():
            print(f"{root}: first night {run(root, home, source, args.date).wall_s:.0f} s", flush=True)
    found: dict[Path, list[Watched]] = {root: [] for root in roots}
    for _ in range(args.rounds):
        for root, home in roots.items():
            found[root].append(watched := run(root, home, source, args.date))
            print(f"{root}: {watched.wall_s:.0f} s, {sum(watched.cpu_s.values()):.0f} CPU s", flush=True)
    best = {root: min(watched.wall_s for watched in nights) for root, nights in found.items()}
    for root, wall_s in best.items():
        print(f"{root}: best {wall_s:.0f} s, ratio {wall_s / best[ROOT]:.2f}")
    print_table(min(found[ROOT], key=lambda watched: watched.wall_s))


if __name__ == "__main__":
    main()
