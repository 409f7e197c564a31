"""Folders of captioned clips are read in every layout; what is wrong with one is said."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from jobs.video.mp4 import encode_mp4
from models.video.captioned_clips import BrokenClip, CaptionedClip, read_captioned_clips, read_frames
from models.video.generator import Frames, VideoSpec

CAPTIONS = {"a.mp4": "a red ball, rolling left", "b.mp4": "下雨的城市"}
TUNE_A_VIDEO = "train_data:\n  video_path: data/{}\n  prompt: {}\n"


@pytest.fixture(scope="module")
def shades() -> Frames:
    """A clip whose frames are ever brighter; its upper half is red."""
    clip = np.zeros((8, 32, 64, 3), np.uint8)
    clip[:] = (20 * np.arange(8, dtype=np.uint8))[:, None, None, None]
    clip[:, :16, :, 0] = 250
    return clip


@pytest.fixture
def folder(shades: Frames, tmp_path: Path) -> Path:
    """Two clips of 2 seconds without captions."""
    for name in CAPTIONS:
        (tmp_path / name).write_bytes(encode_mp4(shades, fps=4))
    return tmp_path


def layouts() -> dict[str, dict[str, str]]:
    """Return the files of each layout that gives `CAPTIONS`."""
    lines = [json.dumps({"file_name": name, "caption": caption}) for name, caption in CAPTIONS.items()]
    rows = [f'{name},"{caption}"' for name, caption in CAPTIONS.items()]
    entries = [{"caption": caption, "video_path": name} for name, caption in CAPTIONS.items()]
    return {
        "metadata.jsonl": {"metadata.jsonl": "\n".join(lines)},
        "metadata.csv": {"metadata.csv": "\n".join(["file_name,text", *rows])},
        "lists": {"videos.txt": "\n".join(CAPTIONS), "prompts.txt": "\n".join(CAPTIONS.values())},
        "validation.json": {"validation.json": json.dumps({"data": entries})},
        "text files": {name.replace("mp4", "txt"): caption for name, caption in CAPTIONS.items()},
        "tune a video": {
            name.replace("mp4", "yaml"): TUNE_A_VIDEO.format(name, caption) for name, caption in CAPTIONS.items()
        },
    }


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("layout", layouts())
def test_every_layout_gives_the_same_clips(folder: Path, layout: str) -> None:
    write(folder, layouts()[layout])
    assert read_captioned_clips(folder) == [CaptionedClip(folder / name, text) for name, text in CAPTIONS.items()]


@pytest.mark.parametrize("layout", layouts())
def test_a_missing_clip_and_a_clip_without_caption_are_named(folder: Path, layout: str) -> None:
    write(folder, layouts()[layout])
    (folder / "b.mp4").rename(folder / "c.mp4")
    with pytest.raises(ValueError, match=r"b\.(mp4|txt|yaml).*(is missing|0 clips)"):
        read_captioned_clips(folder)
    (folder / "b.mp4").write_bytes((folder / "c.mp4").read_bytes())
    with pytest.raises(ValueError, match=r"c\.mp4: this clip has no caption; (add|write)"):
        read_captioned_clips(folder)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no caption"),
        ({"metadata.jsonl": '{"file_name": "a.mp4", "caption": "a"}\n{"file_name": "b.mp4"}'}, "line 2: .*no caption"),
        ({"metadata.jsonl": '{"file_name": "a.mp4", "caption": "a"}\nnot json'}, "line 2: is not JSON"),
        ({"metadata.csv": "file_name,caption\na.mp4,a\n,b\n"}, "line 3: no file_name"),
        ({"videos.txt": "a.mp4\nb.mp4"}, "needs exactly one of prompts.txt"),
        ({"videos.txt": "a.mp4\nb.mp4", "prompts.txt": "a"}, "1 captions for 2 clips"),
        ({"videos.txt": "a.mp4\nb.mp4", "prompts.txt": "a\n "}, "line 2: the clip b.mp4 has no caption"),
        ({"validation.json": "[]"}, "no list of clips"),
        ({"a.txt": " ", "b.txt": "b"}, r"a\.txt: the clip a.mp4 has no caption"),
        ({"a.yaml": "train_data: 1"}, "no train_data with video_path and prompt"),
        ({"metadata.csv": "", "videos.txt": ""}, "keep the one"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(folder: Path, files: dict[str, str], message: str) -> None:
    write(folder, files)
    with pytest.raises(ValueError, match=message):
        read_captioned_clips(folder)


def test_no_clips(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no clips"):
        read_captioned_clips(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        read_captioned_clips(tmp_path / "absent")


def test_frames_are_those_that_a_player_shows(folder: Path, shades: Frames) -> None:
    frames = read_frames(folder / "a.mp4", VideoSpec(16, 16, 16, 8))  # the clip has 8 frames, 4 a second
    assert frames.shape == (16, 16, 16, 3)
    assert frames.dtype == np.uint8
    assert np.abs(frames[:, 12, 8, 1].astype(int) - shades[np.arange(16) // 2, 24, 32, 1]).max() < 12
    with pytest.raises(ValueError, match=r"a\.mp4: this clip is shorter than 17 frames at 8 a second"):
        read_frames(folder / "a.mp4", VideoSpec(16, 16, 17, 8))


def test_a_clip_of_a_telephone_held_upright_is_upright(shades: Frames, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.set_display_rotation(90)  # counter-clockwise: the upper half is shown at the left
        for frame in shades:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    first = read_frames(tmp_path / "a.mp4", VideoSpec(32, 64, 2, 4))[0]
    assert first[:, :12, 0].min() > 200
    assert first[:, 20:, 0].max() < 50


def test_damage_is_found(folder: Path) -> None:
    whole = (folder / "a.mp4").read_bytes()
    for content in (whole[: len(whole) * 2 // 3], b"not a video", b""):
        (folder / "a.mp4").write_bytes(content)
        with pytest.raises(BrokenClip, match=r"a\.mp4: .*; replace the file, or leave it out"):
            read_frames(folder / "a.mp4", VideoSpec(16, 16, 8, 4))


def test_real_folders(shared_data: Path) -> None:
    clips = [c for name in ("crush_smol", "tune_a_video") for c in read_captioned_clips(shared_data / "clips" / name)]
    assert len(clips) == 7
    assert clips[-1].caption == "a rabbit is eating a watermelon"
    assert read_frames(clips[-1].path, VideoSpec(64, 64, 16, 8)).std() > 10
