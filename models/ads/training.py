"""The training loop all click models share: AdamW on log-loss, stopped early by a held-out part."""

import copy
import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from models.ads.encoded_examples import EncodedExamples, Tensors

_INFERENCE_ROWS = 8192
_STEPS_A_PASS = 50


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is optimised.

    Attributes:
        rounds: at most this many rounds of training, each followed by a look at the held-out part.
        round_examples: examples a round. Rounds go on where the last one ended, through one shuffled pass over the training
            part after another, so that neither the time taken nor the patience depends on how many examples there are.
        patience: stop after this many rounds in a row without a lower held-out log-loss.
        batch_size: rows a step, but fewer where a pass over the training part would have less than `_STEPS_A_PASS` steps.
        learning_rate: AdamW's.
        weight_decay: AdamW's, for everything but embeddings and biases.
        embedding_decay: AdamW's, for embeddings, which see far fewer examples a parameter.
        rng: seed of initial weights, dropout and order.
    """

    rounds: int = 20
    round_examples: int = 65_536
    patience: int = 3
    batch_size: int = 1024
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    embedding_decay: float = 1e-1
    rng: int = 0


@dataclass(frozen=True)
class Round:
    """What one round came to; both are mean log-losses in nats, before calibration."""

    train_log_loss: float
    holdout_log_loss: float


@contextmanager
def reproducible(rng: int) -> Iterator[None]:
    """Within the block torch draws from this seed and uses one thread; after it torch goes on as before.

    How many threads share a sum decides its last bits, so the machine would show in the weights; and at these sizes
    threads wait for each other more than they help.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(rng)
            yield
    finally:
        torch.set_num_threads(threads)


def train(
    network: nn.Module, train_part: EncodedExamples, holdout: EncodedExamples, config: TrainingConfig
) -> list[Round]:
    """Trains in place, and leaves the weights of the round that was best on the held-out part."""
    optimizer = torch.optim.AdamW(_parameter_groups(network, config), lr=config.learning_rate)
    batch_size = min(config.batch_size, math.ceil(len(train_part) / _STEPS_A_PASS))
    batches = _endless(train_part, batch_size, config.rng)
    steps = math.ceil(min(config.round_examples, len(train_part)) / batch_size)
    history: list[Round] = []
    best, best_state, waited = float("inf"), copy.deepcopy(network.state_dict()), 0
    for _ in range(config.rounds):
        network.train()
        total, seen = 0.0, 0
        for inputs, labels in itertools.islice(batches, steps):
            optimizer.zero_grad(set_to_none=True)
            loss = binary_cross_entropy_with_logits(network(*inputs), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            seen += len(labels)
        holdout_loss = _log_loss(network, holdout)
        history.append(Round(total / seen, holdout_loss))
        if holdout_loss < best:
            best, best_state, waited = holdout_loss, copy.deepcopy(network.state_dict()), 0
        else:
            waited += 1
            if waited == config.patience:
                break
    network.load_state_dict(best_state)
    return history


def _endless(examples: EncodedExamples, batch_size: int, rng: int) -> Iterator[tuple[Tensors, torch.Tensor]]:
    order = np.random.default_rng(rng)
    while True:
        yield from examples.batches(batch_size, order)


@torch.inference_mode()
def logits(network: nn.Module, examples: EncodedExamples) -> NDArray[np.float32]:
    """The network's outputs in the examples' own order, shape (rows,)."""
    network.eval()
    return np.concatenate([network(*inputs).numpy() for inputs, _ in examples.batches(_INFERENCE_ROWS)])


@torch.inference_mode()
def _log_loss(network: nn.Module, examples: EncodedExamples) -> float:
    outputs = torch.from_numpy(logits(network, examples)).double()
    return float(binary_cross_entropy_with_logits(outputs, torch.from_numpy(examples.labels).double()))


def _parameter_groups(network: nn.Module, config: TrainingConfig) -> list[dict[str, object]]:
    embeddings = {
        id(p) for module in network.modules() if isinstance(module, nn.Embedding) for p in module.parameters()
    }
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if id(p) in embeddings], "weight_decay": config.embedding_decay},
        {
            "params": [p for p in parameters if id(p) not in embeddings and p.ndim > 1],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in parameters if id(p) not in embeddings and p.ndim <= 1], "weight_decay": 0.0},
    ]
