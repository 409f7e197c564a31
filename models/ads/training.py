"""Training loop of all click models: AdamW on log-loss, with early stopping on the holdout.

Several processes may train one model, each on its own examples (`models.processes`). A step then takes a batch in each of
them, so an epoch takes the same time and reads as many times the examples.
"""

import copy
import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from models.ads.encoded_examples import EncodedExamples, Tensors
from models.processes import averaging_gradients, of_all, processes

_INFERENCE_ROWS = 8192
_MIN_STEPS = 50


@dataclass(frozen=True)
class TrainingConfig:
    """Hyperparameters of the optimisation.

    Attributes:
        epochs: maximum number of epochs. The holdout log-loss is computed after each.
        examples_per_epoch: an epoch is a full pass, but at most about this many examples. The next epoch continues in the same
            shuffled pass, so that training time and patience do not depend on the number of examples. This is for each process.
        patience: stop after this many epochs in a row without a lower holdout log-loss.
        batch_size: rows for each step of each process; smaller if a full pass would have less than `_MIN_STEPS` steps.
        learning_rate: of AdamW.
        regularization: weight decay of AdamW, for all parameters except embeddings and biases.
        embedding_regularization: weight decay of AdamW for embeddings, which have far fewer examples for each parameter.
        seed: of initial weights, dropout and order of rows.
    """

    epochs: int = 20
    examples_per_epoch: int = 65_536
    patience: int = 3
    batch_size: int = 1024
    learning_rate: float = 1e-3
    regularization: float = 1e-2
    embedding_regularization: float = 1e-1
    seed: int = 0


@dataclass(frozen=True)
class EpochLosses:
    """Losses of one epoch: mean log-losses in nats, before calibration."""

    train_log_loss: float
    holdout_log_loss: float


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Seed torch and use one thread within the block; restore torch's state afterwards.

    The number of threads changes the rounding of sums, so weights would depend on the machine. With networks this small,
    more threads are not faster either.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def train(
    network: nn.Module, train_part: EncodedExamples, holdout: EncodedExamples, config: TrainingConfig
) -> list[EpochLosses]:
    """Train the network in place and keep the weights of the epoch with the lowest holdout loss.

    Args:
        network: the same in all processes.
        train_part: the examples of this process.
        holdout: those that this process computes the loss of.
        config: the hyperparameters.

    Returns:
        The losses of each epoch, over the examples of all processes.
    """
    parallel = averaging_gradients(network)
    optimizer = torch.optim.AdamW(_parameter_groups(network, config), lr=config.learning_rate)
    rows_of_process = sum(of_all(len(train_part))) / processes()
    batch_size = min(config.batch_size, math.ceil(rows_of_process / _MIN_STEPS))
    batches = _endless_batches(train_part, batch_size, config.seed)
    steps = math.ceil(min(config.examples_per_epoch, rows_of_process) / batch_size)
    history: list[EpochLosses] = []
    best_loss, best_state, epochs_without_gain = float("inf"), copy.deepcopy(network.state_dict()), 0
    for _ in range(config.epochs):
        network.train()
        losses: list[tuple[float, int]] = []
        for inputs, labels in itertools.islice(batches, steps):
            optimizer.zero_grad(set_to_none=True)
            loss = binary_cross_entropy_with_logits(parallel(*inputs), labels)
            loss.backward()
            optimizer.step()
            losses.append((loss.item(), len(labels)))
        holdout_loss = _mean_of_all([(_log_loss(network, holdout), len(holdout))])
        history.append(EpochLosses(_mean_of_all(losses), holdout_loss))
        if holdout_loss < best_loss:
            best_loss, best_state, epochs_without_gain = holdout_loss, copy.deepcopy(network.state_dict()), 0
        else:
            epochs_without_gain += 1
            if epochs_without_gain == config.patience:
                break
    network.load_state_dict(best_state)
    return history


def _mean_of_all(losses: Sequence[tuple[float, int]]) -> float:
    """Return the mean loss of the rows of all processes, from the mean losses of some rows and their numbers."""
    sums = of_all((sum(loss * rows for loss, rows in losses), sum(rows for _, rows in losses)))
    return sum(total for total, _ in sums) / sum(rows for _, rows in sums)


def _endless_batches(examples: EncodedExamples, batch_size: int, seed: int) -> Iterator[tuple[Tensors, torch.Tensor]]:
    rng = np.random.default_rng(seed)
    while True:
        yield from examples.batches(batch_size, rng)


@torch.inference_mode()
def logits(network: nn.Module, examples: EncodedExamples) -> NDArray[np.float32]:
    """Return the network's outputs, shape (rows,), in the order of `EncodedExamples.labels`."""
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
        {"params": [p for p in parameters if id(p) in embeddings], "weight_decay": config.embedding_regularization},
        {
            "params": [p for p in parameters if id(p) not in embeddings and p.ndim > 1],
            "weight_decay": config.regularization,
        },
        {"params": [p for p in parameters if id(p) not in embeddings and p.ndim <= 1], "weight_decay": 0.0},
    ]
