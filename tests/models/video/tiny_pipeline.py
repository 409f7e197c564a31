"""Pipelines of `diffusers` with random weights (some hundred kilobytes each): the real classes with all parts, no downloads.

Each builder has the name of its family in `models.video.families`. The parts are about as small as the classes accept.
"""

import string
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast

diffusers: Any = import_module("diffusers")
transformers: Any = import_module("transformers")
"""Not typed: the annotations of both are narrower than what their classes take."""

_WIDTH = 16
"""Features of every text encoder."""
_CHAT = "{% for m in messages %}{{ m['content'] if m['content'] is string else m['content'][0]['text'] }}{% endfor %}"
_GAMMA = 0.3
"""Of Helios. With the real 1/3 a covariance is singular, and its Cholesky factor fails in float32 on a CPU."""
_WORDS = ["<pad>", "</s>", "<unk>", *string.ascii_lowercase, *" .:日出海浪"]


def _tokenizer(length: int = 512) -> PreTrainedTokenizerFast:
    """Each letter is a token; prompts are padded to `length`."""
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(_WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Split("", "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=length,
        chat_template=_CHAT,
    )  # fmt: skip


def _t5() -> Any:
    return transformers.T5EncoderModel(
        transformers.T5Config(vocab_size=64, d_model=_WIDTH, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    )


def _umt5() -> Any:
    return transformers.UMT5EncoderModel(
        transformers.UMT5Config(vocab_size=64, d_model=_WIDTH, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    )


def _qwen_config() -> dict[str, Any]:
    return {
        "vocab_size": 64, "hidden_size": _WIDTH, "intermediate_size": 32, "num_attention_heads": 2,
        "num_key_value_heads": 2, "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 0,
    }  # fmt: skip


def _qwen(layers: int) -> Any:
    """The text part of Qwen2.5-VL, which the pipelines use, and the smallest picture part."""
    config = transformers.Qwen2_5_VLConfig(
        text_config={**_qwen_config(), "num_hidden_layers": layers},
        vision_config={"depth": 1, "hidden_size": 8, "intermediate_size": 8, "num_heads": 2, "out_hidden_size": _WIDTH},
    )
    return transformers.Qwen2_5_VLForConditionalGeneration(config)


def _wan_vae() -> Any:
    return diffusers.AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )


def _wan_transformer(kind: Any = diffusers.WanTransformer3DModel, **more: Any) -> Any:
    return kind(
        num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16, text_dim=_WIDTH, freq_dim=16,
        ffn_dim=16, num_layers=1, **more,
    )  # fmt: skip


def _wan_parts() -> dict[str, Any]:
    return {"tokenizer": _tokenizer(), "text_encoder": _umt5(), "vae": _wan_vae()}


def _wan() -> Any:
    return diffusers.WanPipeline(
        **_wan_parts(),
        transformer=_wan_transformer(),
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    )


def _wan_two_transformers() -> Any:
    return diffusers.WanPipeline(
        **_wan_parts(),
        transformer=_wan_transformer(),
        transformer_2=_wan_transformer(),
        boundary_ratio=0.875,
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    )


def _wan_24_fps() -> Any:
    return diffusers.WanPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_umt5(),
        vae=diffusers.AutoencoderKLWan(
            base_dim=4, decoder_base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, is_residual=True,
            temperal_downsample=[False, True, True], in_channels=12, out_channels=12, patch_size=2,
            scale_factor_spatial=16,
        ),
        transformer=_wan_transformer(),
        expand_timesteps=True,
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
        ),
    )  # fmt: skip


def _anyflow() -> Any:
    return diffusers.AnyFlowPipeline(
        **_wan_parts(),
        transformer=_wan_transformer(diffusers.AnyFlowTransformer3DModel),
        scheduler=diffusers.FlowMapEulerDiscreteScheduler(shift=5.0),
    )


def _helios_transformer() -> Any:
    return _wan_transformer(diffusers.HeliosTransformer3DModel, rope_dim=(4, 4, 4))


def _helios() -> Any:
    return diffusers.HeliosPipeline(
        **_wan_parts(),
        transformer=_helios_transformer(),
        scheduler=diffusers.HeliosScheduler(stages=1, stage_range=[0, 1]),
    )


def _helios_distilled() -> Any:
    return diffusers.HeliosPyramidPipeline(
        **_wan_parts(),
        transformer=_helios_transformer(),
        scheduler=diffusers.HeliosDMDScheduler(gamma=_GAMMA),
        is_distilled=True,
    )


def _cogvideox(sample_frames: int = 9, **more: Any) -> Any:
    return diffusers.CogVideoXPipeline(
        tokenizer=_tokenizer(226),
        text_encoder=_t5(),
        transformer=diffusers.CogVideoXTransformer3DModel(
            num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, time_embed_dim=4,
            text_embed_dim=_WIDTH, num_layers=1, sample_width=4, sample_height=4, sample_frames=sample_frames,
            temporal_compression_ratio=4, max_text_seq_length=226, **more,
        ),
        vae=diffusers.AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
        ),
        scheduler=diffusers.CogVideoXDDIMScheduler(),
    )  # fmt: skip


def _cogvideox_1_5() -> Any:
    return _cogvideox(17, patch_size_t=2, use_rotary_positional_embeddings=True, patch_bias=False)


def _ltx() -> Any:
    return diffusers.LTXPipeline(
        tokenizer=_tokenizer(128),
        text_encoder=_t5(),
        transformer=diffusers.LTXVideoTransformer3DModel(
            in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16,
            num_layers=1, caption_channels=_WIDTH,
        ),
        vae=diffusers.AutoencoderKLLTXVideo(
            latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )  # fmt: skip


def _ltx2_vae(channels: int) -> Any:
    return diffusers.AutoencoderKLLTX2Video(
        latent_channels=channels, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 16, 32),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1), spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )  # fmt: skip


def _ltx2() -> Any:
    ltx2: Any = import_module("diffusers.pipelines.ltx2")
    gemma = transformers.Gemma3Config(
        text_config={
            "vocab_size": 64, "hidden_size": _WIDTH, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
        },
        vision_config={
            "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 14,
            "patch_size": 14,
        },
        mm_tokens_per_image=1,
    )  # fmt: skip
    return diffusers.LTX2Pipeline(
        tokenizer=_tokenizer(1024),
        text_encoder=transformers.Gemma3ForConditionalGeneration(gemma),
        connectors=ltx2.LTX2TextConnectors(
            caption_channels=_WIDTH, text_proj_in_factor=2, video_connector_num_attention_heads=2,
            video_connector_attention_head_dim=8, video_connector_num_layers=1,
            video_connector_num_learnable_registers=None, audio_connector_num_attention_heads=2,
            audio_connector_attention_head_dim=8, audio_connector_num_layers=1,
            audio_connector_num_learnable_registers=None, rope_double_precision=False, rope_type="split",
        ),
        transformer=diffusers.LTX2VideoTransformer3DModel(
            in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16,
            audio_in_channels=4, audio_out_channels=4, audio_num_attention_heads=2, audio_attention_head_dim=4,
            audio_cross_attention_dim=8, num_layers=1, caption_channels=_WIDTH, rope_double_precision=False,
            rope_type="split",
        ),
        vae=_ltx2_vae(4),
        audio_vae=diffusers.AutoencoderKLLTX2Audio(
            base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1, in_channels=2, resolution=32,
            latent_channels=2, mel_bins=8,
        ),
        vocoder=ltx2.LTX2Vocoder(
            in_channels=16, hidden_channels=32, out_channels=2, upsample_kernel_sizes=[4, 4], upsample_factors=[2, 2],
            resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], output_sampling_rate=16000,
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )  # fmt: skip


def _hunyuanvideo_1_5(target_size: int = 640) -> Any:
    return diffusers.HunyuanVideo15Pipeline(
        tokenizer=_tokenizer(1108),
        text_encoder=transformers.Qwen2_5_VLTextModel(
            transformers.Qwen2_5_VLTextConfig(**_qwen_config(), num_hidden_layers=3)
        ),
        tokenizer_2=transformers.ByT5Tokenizer(),
        text_encoder_2=transformers.T5EncoderModel(
            transformers.T5Config(vocab_size=384, d_model=_WIDTH, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
        ),
        transformer=diffusers.HunyuanVideo15Transformer3DModel(
            in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=1,
            num_refiner_layers=1, mlp_ratio=2.0, text_embed_dim=_WIDTH, text_embed_2_dim=_WIDTH, image_embed_dim=8,
            rope_axes_dim=(2, 2, 4), target_size=target_size, task_type="t2v",
        ),
        vae=diffusers.AutoencoderKLHunyuanVideo15(
            latent_channels=4, block_out_channels=(16, 16, 16, 16, 16), layers_per_block=1
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        guider=diffusers.ClassifierFreeGuidance(guidance_scale=6.0),
    )  # fmt: skip


def _kandinsky_5() -> Any:
    return diffusers.Kandinsky5T2VPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_qwen(layers=1),
        tokenizer_2=_tokenizer(77),
        text_encoder_2=transformers.CLIPTextModel(
            transformers.CLIPTextConfig(
                vocab_size=64, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
                eos_token_id=1, pad_token_id=0, bos_token_id=1,
            )
        ),
        transformer=diffusers.Kandinsky5Transformer3DModel(
            in_visual_dim=4, out_visual_dim=4, in_text_dim=_WIDTH, in_text_dim2=8, time_dim=16, model_dim=16, ff_dim=16,
            num_text_blocks=1, num_visual_blocks=1, axes_dims=(4, 6, 6), visual_cond=True,
        ),
        vae=diffusers.AutoencoderKLHunyuanVideo(
            latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0),
    )  # fmt: skip


def _helios_mid() -> Any:
    return diffusers.HeliosPyramidPipeline(
        **_wan_parts(),
        transformer=_helios_transformer(),
        scheduler=diffusers.HeliosScheduler(gamma=_GAMMA),
        is_cfg_zero_star=True,
    )


def _sana_video(vae: Callable[[], Any] = _wan_vae, sample_size: int = 30) -> Any:
    return diffusers.SanaVideoPipeline(
        tokenizer=_tokenizer(300),
        text_encoder=transformers.Gemma2Model(
            transformers.Gemma2Config(
                vocab_size=64, hidden_size=_WIDTH, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                num_key_value_heads=1, head_dim=8, pad_token_id=0,
            )
        ),
        transformer=diffusers.SanaVideoTransformer3DModel(
            num_attention_heads=2, attention_head_dim=12, num_layers=1, num_cross_attention_heads=2,
            cross_attention_head_dim=12, cross_attention_dim=24, caption_channels=_WIDTH, sample_size=sample_size,
        ),
        vae=vae(),
        scheduler=diffusers.DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=8.0
        ),
    )  # fmt: skip


def _cosmos_2_5() -> Any:
    return diffusers.Cosmos2_5_PredictBasePipeline(
        tokenizer=_tokenizer(),
        text_encoder=_qwen(layers=2),
        transformer=diffusers.CosmosTransformer3DModel(
            in_channels=17, out_channels=16, num_attention_heads=2, attention_head_dim=16, num_layers=1, mlp_ratio=2,
            text_embed_dim=2 * _WIDTH, adaln_lora_dim=4, max_size=(8, 16, 16), rope_scale=(1.0, 3.0, 3.0),
            extra_pos_embed_type=None,
        ),
        vae=_wan_vae(),
        scheduler=diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True),
    )  # fmt: skip


PIPELINES: dict[str, Callable[[], Any]] = {
    "Wan 2.1": _wan,
    "Wan 2.2 A14B": _wan_two_transformers,
    "Wan 2.2 TI2V-5B": _wan_24_fps,
    "AnyFlow-Wan": _anyflow,
    "CogVideoX": _cogvideox,
    "CogVideoX 1.5": _cogvideox_1_5,
    "LTX-Video": _ltx,
    "LTX-2": _ltx2,
    "HunyuanVideo 1.5": _hunyuanvideo_1_5,
    "HunyuanVideo 1.5 720p": partial(_hunyuanvideo_1_5, 960),
    "Kandinsky 5": _kandinsky_5,
    "Helios": _helios,
    "Helios distilled": _helios_distilled,
    "Helios Mid": _helios_mid,
    "Sana-Video": _sana_video,
    "Sana-Video 720p": partial(_sana_video, partial(_ltx2_vae, 16), 22),
    "Cosmos 2.5": _cosmos_2_5,
}


def save_tiny_pipeline(folder: Path, family: str = "CogVideoX") -> None:
    """Save a pipeline for `DiffusionPipeline.from_pretrained`; by default clips have 9 frames of 32 x 32 pixels."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pipeline = PIPELINES[family]()
        for weights in pipeline.transformer.parameters():
            if not weights.any():  # so that no layer is without effect, as some are before their training
                torch.nn.init.normal_(weights, std=0.2)
    pipeline.save_pretrained(folder)
