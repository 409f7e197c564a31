"""How busy a night keeps a GPU: clips an hour of the shards' worker, beside a plain loop over the same pipeline.

    python -m tests.benchmarks.video_gpu [--clips 8] [--steps 8]

The pipeline has random weights. On a GPU it is Wan 2.1 with the shapes of its 1.3B transformer and of its VAE, in bfloat16; its
text encoder has 4 of 24 layers. Clips have 81 frames of 832 x 480 pixels, and fewer denoising steps than the pipeline's 50.
Without a GPU all parts are tiny, and clips have 9 frames of 32 x 32 pixels: that shows that the benchmark works, and nothing
about a GPU.

The loop calls the pipeline and makes the file of one clip after the other. Both make the same clips, of half as many prompts. The
share of the GPU's arithmetic is the number of floating-point operations of these clips, counted by torch, per second of the
worker and of the GPU's peak for dense bfloat16.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from infra import durable
from jobs.video import certificate
from jobs.video.clip import Clip
from jobs.video.finish import finished
from jobs.video.generate import generate, is_made
from jobs.video.gpu_busy import GpuBusy
from models.video.diffusers_loading import load_pipeline
from models.video.diffusers_pipeline import DiffusersGenerator
from models.video.families import Family
from tests.models.video.tiny_pipeline import PIPELINES

diffusers: Any = import_module("diffusers")
transformers: Any = import_module("transformers")

_SIGNER = certificate.derived(bytes(32))
_PEAK_TFLOPS = {"H200": 989, "H100": 989, "A100": 312, "L40S": 362, "L4": 121}
"""Dense bfloat16, as the maker's data sheets state."""
_SMALL: dict[str, Any] = {"width": 32, "height": 32, "frames": 9, "longest": 9}


def wan_1_3b() -> Any:
    """Return Wan 2.1 with the real shapes of its smaller transformer and of its VAE, with random weights on the GPU."""
    pipeline = PIPELINES["Wan 2.1"]()
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        pipeline.register_modules(
            text_encoder=transformers.UMT5EncoderModel(
                transformers.UMT5Config(vocab_size=64, d_model=4096, d_kv=64, d_ff=10240, num_layers=4, num_heads=64)
            ),
            transformer=diffusers.WanTransformer3DModel(
                num_attention_heads=12, attention_head_dim=128, text_dim=4096, ffn_dim=8960, num_layers=30
            ),
            vae=diffusers.AutoencoderKLWan(),
        )
    torch.set_default_dtype(torch.float32)
    return pipeline


def generator(folder: Path, steps: int) -> DiffusersGenerator:
    """Save a pipeline, and return a generator that loads it and takes some denoising steps."""
    with_gpu = torch.cuda.is_available()
    pipeline = wan_1_3b() if with_gpu else PIPELINES["Wan 2.1"]()
    pipeline.save_pretrained(folder)
    del pipeline
    loaded = DiffusersGenerator(str(folder))
    loaded.family = replace(loaded.family, **({} if with_gpu else _SMALL), call={"num_inference_steps": steps})
    return loaded


def loop(folder: Path, clips: Sequence[Clip], pipeline: Any, family: Family) -> None:
    """Call a pipeline and make the file of one clip after the other."""
    for clip in clips:
        noise = torch.Generator("cpu").manual_seed(clip.seed)
        with torch.inference_mode():
            output = pipeline(prompt=clip.prompt, generator=noise, output_type="np", **family.arguments(clip.spec))
        frames = (output.frames[0].clip(0, 1) * 255 + 0.5).astype("uint8")
        durable.write(folder / clip.path, finished(frames, clip, _SIGNER))


def seconds(make: Callable[[], object]) -> tuple[float, float | None]:
    """Return the seconds of a call, and the share of them in which the GPU computed."""
    started = time.perf_counter()
    with GpuBusy() as gpu:
        make()
    return time.perf_counter() - started, gpu.ratio


def main(argv: Sequence[str] | None = None) -> None:
    """Measure the loop, then the worker, and print their rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args(argv)
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wan = generator(folder / "pipeline", args.steps)
        clips = [
            Clip(f"rain {number // 2}", number, wan.spec, wan.name, wan.version) for number in range(1, args.clips + 1)
        ]
        device = "cuda" if torch.cuda.is_available() else "cpu"
        plain = load_pipeline(folder / "pipeline", device, wan.family.float32)
        with FlopCounterMode(display=False) as counted:
            loop(folder / "first", clips[:1], plain, wan.family)
        wan.generate(["snow"], [0], wan.spec)  # loads the pipeline
        took_loop, busy_loop = seconds(lambda: loop(folder / "loop", clips, plain, wan.family))
        took, busy = seconds(lambda: generate(folder / "worker", clips, wan, _SIGNER))
        assert all(is_made(clip, folder / "worker") for clip in clips)
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, tiny pipeline"
    print(f"{name}; {len(clips)} clips of {wan.spec}, {args.steps} steps, batches of {wan.batch_size}")
    for way, duration, share in (("loop", took_loop, busy_loop), ("worker", took, busy)):
        text = "not measured" if share is None else f"{share:.0%}"
        print(f"{way:8} {3600 * len(clips) / duration:8.0f} clips an hour, GPU busy {text}")
    print(f"ratio    {took_loop / took:8.2f}")
    peak = next((tflops for model, tflops in _PEAK_TFLOPS.items() if model in name), None)
    rate = counted.get_total_flops() * len(clips) / took / 1e12
    print(f"arithmetic {rate:.3g} TFLOP/s" + (f", {rate / peak:.0%} of the peak" if peak else ""))


if __name__ == "__main__":
    main()
