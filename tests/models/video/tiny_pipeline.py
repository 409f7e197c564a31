"""A CogVideoX pipeline with random weights (a few hundred kilobytes) and all parts of the real one."""

import string
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
)
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

_PROMPT_LENGTH = 226  # the pipeline pads prompts to this length


def save_tiny_pipeline(folder: Path) -> None:
    """Save a pipeline for `DiffusionPipeline.from_pretrained`; its clips have 5 frames of 32 x 32 pixels."""
    vocabulary = {
        word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", *string.ascii_lowercase, *"日出海浪"])
    }
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Split("", "isolated")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pipeline = CogVideoXPipeline(
            tokenizer=PreTrainedTokenizerFast(
                tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
                model_max_length=_PROMPT_LENGTH,
            ),
            text_encoder=T5EncoderModel(T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)),
            transformer=CogVideoXTransformer3DModel(
                num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=4, time_embed_dim=4,
                text_embed_dim=16, num_layers=1, sample_width=4, sample_height=4, sample_frames=5,
                temporal_compression_ratio=4, max_text_seq_length=_PROMPT_LENGTH,
            ),
            vae=AutoencoderKLCogVideoX(
                down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
                block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
            ),
            scheduler=CogVideoXDDIMScheduler(),
        )  # fmt: skip
    pipeline.save_pretrained(folder)  # type: ignore[attr-defined]
