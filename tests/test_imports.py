"""Imports between the top-level folders run one way, and a library that only one place may use is imported nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "dags": {"infra", "schemas"},
    "jobs": {"infra", "models", "schemas"},
    "models": set[str](),
    "schemas": set[str](),
    "infra": {"schemas"},
}
"""Folder -> the other folders that it may import."""

EXCEPTIONS = {
    ("infra/airflow/plugins/end_of_days.py", "dags._timetable"),  # Airflow knows a timetable only from a plugin
}
"""File and module. Nothing is to be added; what is no longer needed has to be deleted."""

NEVER = {
    "dags": {"deltalake", "mlflow", "numpy", "pandas", "polars", "pyspark", "torch"},
    "jobs": {"airflow"},
    "models": {"airflow", "delta", "deltalake", "mlflow", "pyspark"},
    "schemas": {"airflow", "delta", "deltalake", "mlflow"},
}
"""Folder -> libraries that it does not import."""

LAKE = "jobs/platform/lake/"
"""Where Delta tables are read and written."""


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """Each file of a folder with each module that it imports, wherever in the file."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            yield from ((str(path.relative_to(ROOT)), module) for module in modules)


def is_allowed(folder: str, module: str) -> bool:
    top = module.partition(".")[0]
    if folder == "dags" and top == "models":
        return module.endswith(".registry")  # names only: what learns is not in Airflow's environment
    return top not in {*MAY_IMPORT, "tests"} - {folder} or top in MAY_IMPORT[folder]


def test_imports_between_folders_run_one_way() -> None:
    found = {
        (file, module) for folder in MAY_IMPORT for file, module in imports(folder) if not is_allowed(folder, module)
    }
    assert found - EXCEPTIONS == set()
    assert EXCEPTIONS - found == set(), "no longer needed: delete it"


@pytest.mark.parametrize("folder", NEVER)
def test_a_folder_keeps_away_from_some_libraries(folder: str) -> None:
    assert [(file, module) for file, module in imports(folder) if module.partition(".")[0] in NEVER[folder]] == []


def test_delta_tables_are_read_and_written_in_one_place() -> None:
    found = {
        file for folder in MAY_IMPORT for file, module in imports(folder) if module.partition(".")[0] == "deltalake"
    }
    assert {file for file in found if not file.startswith(LAKE)} == set()
