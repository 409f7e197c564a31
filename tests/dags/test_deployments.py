"""The deployments in infra (chart and compose file) configure this Airflow and these DAGs."""

import re
from pathlib import Path

import pytest
from airflow.configuration import retrieve_configuration_description
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.providers_manager import ProvidersManager

from tests.dags.conftest import ROOT
from tests.infra.chart import named, rendered

INFRA = ROOT / "infra"
SETTINGS = INFRA / "chart" / "templates" / "settings.yaml"


@pytest.mark.parametrize("file", [SETTINGS, INFRA / "compose.yaml"], ids=lambda file: file.name)
def test_airflow_knows_every_setting(file: Path) -> None:
    ProvidersManager().initialize_providers_configuration()
    known = retrieve_configuration_description(include_providers=True)
    used = re.findall(r"\bAIRFLOW__([A-Z_]+?)__([A-Z_]+?)(?:_CMD)?:", file.read_text())
    assert used
    for section, option in ((section.lower(), option.lower()) for section, option in used):
        assert option in known[section]["options"], f"[{section}] {option}"


def test_tasks_with_a_gpu_use_the_template_of_the_chart(dags: DagBag) -> None:
    path = Path(re.findall(r"POD_TEMPLATE_FILE: (\S+)", SETTINGS.read_text())[0])
    templates = (INFRA / "chart" / "templates" / "pods.yaml").read_text()
    for dag in dags.dags.values():
        for task in dag.tasks:
            config = task.executor_config or {}
            assert bool(config) == (task.pool == "gpu"), task.task_id
            for template in config.values():
                assert Path(template).parent == path.parent
                assert re.search(rf"^  {re.escape(Path(template).name)}: \|", templates, re.MULTILINE)


def test_airflow_makes_the_pod_of_a_shard_from_the_template(tmp_path: Path) -> None:
    """With Airflow's own code: one pod with one GPU, which runs what the executor asks for and can be found by its policies."""
    template = tmp_path / "gpu.yaml"
    template.write_text(named(rendered(tmp_path), "ConfigMap", "nightreel-pods")["data"]["gpu.yaml"])
    command = ["python", "-m", "airflow.sdk.execution_time.execute_workload", "--json-string", "{}"]
    pod = PodGenerator.construct_pod(
        dag_id="text_to_video",
        task_id="generate",
        pod_id="text-to-video-generate-1",
        try_number=1,
        kube_image="",
        date=None,
        run_id="backfill__2022-05-01",
        map_index=3,
        args=command,
        pod_override_object=None,
        base_worker_pod=PodGenerator.deserialize_model_file(str(template)),
        namespace="nights",
        scheduler_job_id="1",
    )
    (container,) = pod.spec.containers
    assert container.args == command
    assert container.resources.limits["nvidia.com/gpu"] == "1"
    assert pod.spec.security_context.run_as_non_root
    assert pod.spec.service_account_name == "nightreel-task"
    assert pod.metadata.labels["app.kubernetes.io/component"] == "task"
    assert pod.metadata.labels["map_index"] == "3"
