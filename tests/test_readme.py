"""The commands in the READMEs work as pasted."""

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs.lake import insert_rows

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "jobs/query/README.md")
"""The pages whose examples read tables."""
DAYS = [dt.date(2022, 4, 24), dt.date(2022, 5, 1)]


def blocks(language: str, *pages: str) -> list[str]:
    """The code blocks of one language in these pages, by default in all `PAGES`."""
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in pages or PAGES)
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a checkout after a night: a small lake, and the environment."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    home = folder / ".nightreel"
    for week, (day, videos) in enumerate(zip(DAYS, ([1, 1, 2], [1, 2, 2, 2, 3]), strict=True)):
        on_day = {"arrival_date": day, "event_date": day}
        seen = [(f"{n % 2:032x}", v, 10 * week + n) for n, v in enumerate(videos)]
        rows = [{"user_id": u, "video_id": v, "time_ms": t, "is_like": 1, "is_click": v % 2} for u, v, t in seen]
        insert_rows(home, "silver.behavior_events", [row | on_day for row in rows])
        tags = {1: ["美食"], 2: ["旅游", "自然"], 3: ["美食", "旅游"]}
        insert_rows(
            home,
            "silver.videos",
            [{"video_id": v, "title": f"片{v}", "tags": t, "arrival_date": day} for v, t in tags.items()],
        )
        insert_rows(
            home,
            "silver.campaigns",
            [{"campaign_id": 5, "name": "春游", "tag": "旅游", "video_id": 2, "arrival_date": day}],
        )
        insert_rows(home, "gold.video_features", [{"video_id": v, "views_7d": v, "date": day} for v in tags])
        users = [f"{n:032x}" for n in range(2)]
        insert_rows(
            home, "gold.recommendations", [{"user_id": u, "rank": 1, "video_id": 3, "date": day} for u in users]
        )
        likely = {"campaign_id": 5, "segment": "likely", "expected_ctr": 0.5, "date": day}
        insert_rows(home, "gold.audience_segments", [likely | {"user_id": u} for u in users])
    return folder


def run(command: list[str], folder: Path, home: Path) -> str:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "NIGHTREEL_", "SPARK_"))}
    done = subprocess.run(
        command, cwd=folder, env=inherited | {"NIGHTREEL_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def answers(checkout: Path) -> list[str]:
    """What the commands print, in the order of the pages."""
    return [run(["bash", "-euo", "pipefail", "-c", block], ROOT, checkout / ".nightreel") for block in blocks("sh")]


def cells(answer: str) -> list[list[str]]:
    """The rows of a printed table, without names and types."""
    rows = [line for line in answer.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row.split("│")[1:-1]] for row in rows[2:]]


def test_commands_print_tables(answers: list[str]) -> None:
    assert all(cells(answer) for answer in answers)


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(block: str, checkout: Path) -> None:
    assert run([sys.executable, "-c", block], checkout, checkout / ".nightreel")


def test_the_three_questions_are_answered_rightly(answers: list[str]) -> None:
    watched_next, gained, clicks = map(cells, answers[:3])
    assert {row[0]: row[3] for row in watched_next} == {"1": "1", "2": "2", "3": "1"}
    assert [row[0] for row in gained] == ["旅游", "自然", "美食"]
    assert clicks == [["5", "春游", "likely", "2", "0.5", "4", "0.25"]]


def test_no_way_is_forgotten() -> None:
    ways = " ".join(blocks("sh") + blocks("python"))
    assert all(way in ways for way in ("make sql", "polars", "deltalake", "duckdb", "pyspark"))
