"""The chart, as helm renders it: valid for Kubernetes, restricted, complete, and in accordance with the code."""

import copy
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.infra.chart import CHART, ROOT, VALUES, Manifest, helm, named, rendered

VERSIONS = ("1.30", "1.37")
"""The oldest Kubernetes of Chart.yaml, and the newest whose schemas are known."""


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Everything that the chart installs."""
    return rendered(tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="module")
def files(manifests: list[Manifest]) -> dict[str, str]:
    """The files in /etc/nightreel: templates of pods, and Spark's settings."""
    return dict(named(manifests, "ConfigMap", "nightreel-pods")["data"])


@pytest.fixture(scope="module")
def pods(manifests: list[Manifest], files: dict[str, str]) -> dict[str, Manifest]:
    """The specification of every pod, also of those that Airflow and Spark create."""
    templates = {name: yaml.safe_load(text)["spec"] for name, text in files.items() if name.endswith(".yaml")}
    return templates | {manifest["metadata"]["name"]: spec for manifest in manifests for spec in pod_specs(manifest)}


def pod_specs(part: Any) -> Iterator[Manifest]:
    if isinstance(part, dict):
        if "containers" in part:
            yield part
        for value in part.values():
            yield from pod_specs(value)


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod["containers"], *pod.get("initContainers", [])]


def test_helm_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    result = helm("lint", VALUES, tmp_path)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_all_fields(manifests: list[Manifest], files: dict[str, str], version: str) -> None:
    templates = [yaml.safe_load(text) for name, text in files.items() if name.endswith(".yaml")]
    for template in templates:
        for container in template["spec"]["containers"]:
            container.setdefault("image", "set by Spark")
    for manifest in [*manifests, *templates]:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_field_would_be_found(manifests: list[Manifest]) -> None:
    wrong = copy.deepcopy(named(manifests, "Deployment", "nightreel-mlflow"))
    wrong["spec"]["template"]["spec"]["containers"][0]["resource"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_pod_is_restricted(pods: dict[str, Manifest]) -> None:
    """What the Pod Security Standard `restricted` demands, and a read-only root."""
    assert {"task.yaml", "gpu.yaml", "executor.yaml", "nightreel-mlflow", "nightreel-backup"} < pods.keys()
    for pod in pods.values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        kinds = {kind for volume in pod["volumes"] for kind in volume.keys() - {"name"}}
        assert kinds <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True
            assert context.get("runAsUser", 1000) > 0


def test_every_container_has_requests_and_limits(pods: dict[str, Manifest]) -> None:
    for name, pod in pods.items():
        for container in containers(pod):
            if name != "executor.yaml":  # Spark sets those of executors
                assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
                assert {"cpu", "memory"} <= container["resources"]["limits"].keys(), name


def test_a_shard_of_videos_has_a_gpu_and_can_be_preempted(pods: dict[str, Manifest], manifests: list[Manifest]) -> None:
    pod = pods["gpu.yaml"]
    (container,) = pod["containers"]
    assert container["name"] == "base"  # the one whose arguments Airflow sets
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["nodeSelector"]
    assert pod["tolerations"]
    priority = named(manifests, "PriorityClass", pod["priorityClassName"])
    assert (priority["value"] < 0, priority["preemptionPolicy"]) == (True, "Never")
    quota = named(manifests, "ResourceQuota", "nightreel-gpu")["spec"]["hard"]["requests.nvidia.com/gpu"]
    assert ["airflow", "pools", "set", "gpu", quota] == pods["nightreel-pool-1"]["containers"][0]["args"][:5]


def test_what_a_pod_refers_to_is_installed_and_secrets_are_references(
    manifests: list[Manifest], pods: dict[str, Manifest]
) -> None:
    names = {
        kind: {each["metadata"]["name"] for each in manifests if each["kind"] == kind}
        for kind in ("ConfigMap", "ServiceAccount", "Secret")
    }
    assert names["Secret"] == set()
    for pod in pods.values():
        assert {pod.get("serviceAccountName", "nightreel-task")} <= names["ServiceAccount"]
        text = json.dumps(pod)
        configured = set(re.findall(r'"configMap(?:Ref)?": \{"name": "([^"]+)"', text))
        secret = set(re.findall(r'"secret(?:Ref|KeyRef)?": \{"(?:name|secretName)": "([^"]+)"', text))
        assert configured <= names["ConfigMap"]
        assert secret <= set(VALUES["secrets"].values())
        mounted = {mount["name"] for container in containers(pod) for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_variables_are_settings_that_the_code_reads(manifests: list[Manifest]) -> None:
    documented = set(re.findall(r"`((?:NIGHTREEL|AWS|MLFLOW)_[A-Z_]+)`", (ROOT / "infra" / "README.md").read_text()))
    compose = (ROOT / "infra" / "compose.yaml").read_text()
    ours = set(re.findall(r"\bNIGHTREEL_[A-Z_]+", json.dumps(manifests) + compose))
    assert {name.removesuffix("_FILE") for name in ours} <= documented
    assert named(manifests, "ConfigMap", "nightreel-settings")["data"].keys() <= documented


def test_spark_reads_its_settings_and_their_variables(files: dict[str, str], tmp_path: Path) -> None:
    """A real driver of this project: it listens on the pod's address and port, which the network policies open."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    script = (
        "from jobs.platform.spark import session; spark = session(); conf = spark.sparkContext.getConf();"
        "print([conf.get(f'spark.{n}') for n in ('driver.host', 'driver.port', 'blockManager.port')])"
    )
    environment = os.environ | {
        "NIGHTREEL_SPARK_CONF": str(tmp_path / "spark.conf"),
        "NIGHTREEL_HOME": str(tmp_path),
        "POD_IP": "127.0.0.1",
        "POD_NAME": "task",
    }
    command = [str(ROOT / ".venv" / "bin" / "python"), "-c", script]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.splitlines()[-1] == "['127.0.0.1', '7078', '7079']"


def test_the_ports_of_spark_and_of_mlflow_are_open(manifests: list[Manifest], files: dict[str, str]) -> None:
    ports = set(
        map(int, re.findall(r"^spark\.(?:driver|blockManager)\.port (\d+)$", files["spark.conf"], re.MULTILINE))
    )
    for name in ("task", "executor"):
        incoming, *among_executors = named(manifests, "NetworkPolicy", f"nightreel-{name}")["spec"]["ingress"]
        assert {port["port"] for port in incoming["ports"]} == ports
        assert ["ports" in source for source in among_executors] == ([False] if name == "executor" else [])
    deny = named(manifests, "NetworkPolicy", "nightreel-deny")["spec"]
    assert (deny["podSelector"], deny["policyTypes"], "ingress" in deny) == ({}, ["Ingress", "Egress"], False)
    selected = {json.dumps(each["spec"]["podSelector"]) for each in manifests if each["kind"] == "NetworkPolicy"}
    components = {"task", "executor", "mlflow", "pool", "backup"}
    assert all(any(f'"{name}"' in selector for selector in selected) for name in components)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lake": "/data"}, "/lake"),
        ({"secrets": {}}, "pseudonyms"),
        ({"images": {"jobs": ""}}, "/images/jobs"),
        ({"gpu": {"amount": 2}}, "amount"),
        ({"tasks": {"parallelism": "many"}}, "/tasks/parallelism"),
    ],
)
def test_wrong_values_are_refused_by_name(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    values = copy.deepcopy(VALUES)
    for name, value in change.items():
        values[name] = values.get(name, {}) | value if value and isinstance(value, dict) else value
    result = helm("template", values, tmp_path)
    assert result.returncode != 0
    assert message in result.stderr


def test_a_role_in_the_store_replaces_its_keys(tmp_path: Path) -> None:
    values = copy.deepcopy(VALUES)
    values["secrets"]["store"] = ""
    values["serviceAccountAnnotations"] = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/nightreel"}
    text = helm("template", values, tmp_path).stdout
    assert "nightreel-store}" not in text
    assert text.count("role/nightreel") == 2


def test_versions_are_those_of_the_locks() -> None:
    airflow = yaml.safe_load((ROOT / "infra" / "airflow" / "kubernetes.yaml").read_text())
    locked = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements-airflow.txt").read_text(), re.MULTILINE)
    assert locked
    assert airflow["airflowVersion"] == locked[1]
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert project
    assert (chart["version"], chart["appVersion"]) == (project[1], project[1])


def test_airflow_refers_to_what_the_chart_installs(manifests: list[Manifest]) -> None:
    text = (ROOT / "infra" / "airflow" / "kubernetes.yaml").read_text()
    values = yaml.safe_load(text)
    installed = {each["metadata"]["name"] for each in manifests if each["kind"] == "ConfigMap"}
    assert set(re.findall(r"(?:configMapRef|configMap): \{name: ([\w-]+)\}", text)) == installed
    (mount,) = (mount for mount in values["volumeMounts"] if mount["name"] == "pods")
    template = named(manifests, "ConfigMap", "nightreel-airflow")["data"][
        "AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"
    ]
    assert Path(template).parent == Path(mount["mountPath"])
    assert Path(template).name in named(manifests, "ConfigMap", "nightreel-pods")["data"]
