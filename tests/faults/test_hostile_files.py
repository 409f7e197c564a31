"""Files that somebody else may have written run no code, and reach nothing outside their place."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from jobs.integrity import verify
from jobs.platform.settings import settings
from jobs.query import explain
from jobs.video.clip import Clip
from models.ads.logistic_regression import LogisticRegression
from models.ads.registry import load_click_model
from models.recommend.popularity import Popularity
from models.recommend.registry import load_recommender
from models.video.diffusers_pipeline import DiffusersGenerator
from models.video.generator import VideoGenerator
from models.video.vae import VaeGenerator
from tests.faults.conftest import RecordFault
from tests.jobs.video.clips import SPEC
from tests.models.ads.clicks import FIELDS, clicks
from tests.models.video.tiny import TINY
from tests.models.video.tiny_pipeline import save_tiny_pipeline


class Payload:
    """Runs code when it is unpickled: a file appears."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.proof,)


def plain_pickle(path: Path, payload: Payload) -> None:
    path.write_bytes(pickle.dumps(payload))


def of_torch(path: Path, payload: Payload) -> None:
    torch.save({"weight": payload}, path)


def of_numpy(path: Path, payload: Payload) -> None:
    with path.open("wb") as file:
        np.savez(file, scores=np.array([payload], dtype=object), allow_pickle=True)


def recommender(directory: Path) -> Callable[[], object]:
    Popularity().fit(csr_matrix(np.eye(4, dtype=np.float32))).save(directory)
    return lambda: load_recommender(directory)


def click_model(directory: Path) -> Callable[[], object]:
    examples = clicks(200, seed=1)
    LogisticRegression(FIELDS).fit(examples.batches(), [examples.batches()]).save(directory)
    return lambda: load_click_model(directory)


def video_generator(directory: Path) -> Callable[[], object]:
    VaeGenerator(TINY["vae"]).save(directory)
    return lambda: VaeGenerator.load(directory)


@pytest.mark.parametrize("poison", [plain_pickle, of_torch, of_numpy])
@pytest.mark.parametrize("saved", [recommender, click_model, video_generator])
def test_a_model_that_runs_code_is_refused(
    saved: Callable[[Path], Callable[[], object]], poison: Callable[[Path, Payload], None], tmp_path: Path
) -> None:
    (directory := tmp_path / "model").mkdir()
    load = saved(directory)
    load()
    proof = tmp_path / "proof"
    for file in sorted(directory.iterdir()):
        whole = file.read_bytes()
        poison(file, Payload(proof))
        with pytest.raises(ValueError, match=r"contains no (complete|saved)"):
            load()
        file.write_bytes(whole)
    load()
    assert not proof.exists()


def test_a_pipeline_of_pickled_weights_is_refused(tmp_path: Path, record_fault: RecordFault) -> None:
    folder = tmp_path / "pipeline"
    save_tiny_pipeline(folder)
    proof = tmp_path / "proof"
    for weights in folder.rglob("*.safetensors"):
        of_torch(weights.with_suffix(".bin"), Payload(proof))
        weights.unlink()
    generator: VideoGenerator = DiffusersGenerator(str(folder))
    with pytest.raises(OSError, match="safetensors"):
        generator.generate(["rain"], [1], SPEC)
    assert not proof.exists()
    record_fault("model file that runs code when unpickled", "refused by every loader, no code ran")


@pytest.mark.parametrize("table", ["../secrets", "gold/../../secrets", "/etc/passwd", "gold.recommendations/../../x"])
@pytest.mark.parametrize("ask", [explain.main, verify.main])
def test_a_table_outside_the_lake_is_refused(
    home: Path, table: str, ask: Callable[[list[str]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        ask(["--table", table, *(["--key", "date=2022-05-01"] if ask is explain.main else [])])
    assert refused.value.code != 0
    (line,) = capsys.readouterr().err.splitlines()
    assert table in line
    assert "use one of: bronze.behavior_log, " in line


def test_no_prompt_reaches_out_of_the_folder_of_videos(home: Path) -> None:
    videos = home.resolve() / "videos"
    assert settings().videos == home / "videos"
    for text in ("../../etc/cron.d/x", "/etc/passwd", "a\0b", "..", "视频/../.."):
        for version in ("vae-1", "../../x"):
            clip = Clip(text, 1, SPEC, "vae", version)
            for path in (clip.path, clip.sidecar, clip.failure):
                assert (videos / path).resolve().is_relative_to(videos)
