"""Training in stages. A killed training continues where it stopped, and several processes can train a network together.

A stage trains some networks. Config and earlier stages determine its result, because each stage has random numbers of its own. So
a stage can be entered at any step, and the weights are those of an uninterrupted training.
"""

import copy
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import astuple
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from models.processes import averaging_gradients, of_first, processes, rank

_SAVE_EVERY = 200
"""Steps."""


class Checkpoints(Protocol):
    """Keeps the state of stages by their names. A write replaces the state as a whole."""

    def read(self, stage: str) -> bytes | None:
        """Return what was written last; None if nothing was."""

    def write(self, stage: str, state: bytes) -> None:
        """Keep a state."""


class Trained(Protocol):
    """What changes in training: a network, or an `Optimization`."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to continue, in every process the same."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> object:
        """Continue from a state."""


class Training:
    """The steps of all stages.

    Args:
        on_step: called after each step with its number, from 1, and its losses. The steps of checkpoints are reported at once.
        checkpoints: where the state is kept every 200 steps, and where it is looked for. Only the first process uses them.
        is_sharded: whether each of several processes keeps only its share of the weights (FSDP2) instead of all of them (DDP).
    """

    def __init__(
        self,
        on_step: Callable[[int, Any], object] = lambda step, losses: None,
        checkpoints: Checkpoints | None = None,
        is_sharded: bool = False,
    ) -> None:
        self.history: list[Any] = []
        """Losses of each step: dataclasses of numbers."""
        self._on_step, self._checkpoints, self._is_sharded = on_step, checkpoints, is_sharded

    def record(self, losses: Any) -> None:
        """Record the losses of a step."""
        self.history.append(losses)
        self._on_step(len(self.history), losses)

    def steps(
        self, stage: str, count: int, losses: type, rng: torch.Generator, *trained: Trained, together: bool = False
    ) -> Iterator[None]:
        """Iterate over the steps of a stage that are left. Each has to record its losses.

        Args:
            stage: its name.
            count: number of all its steps.
            losses: class of its losses.
            rng: draws its random numbers.
            trained: all else that its steps change.
            together: whether all processes take the steps. If not, only the first does, and the others get the results.
        """
        begin = len(self.history)

        def state() -> dict[str, Any]:
            values = [astuple(step) for step in self.history[begin:]]
            return {"rng": rng.get_state(), "losses": values, "trained": [part.state_dict() for part in trained]}

        def restore(saved: dict[str, Any]) -> None:
            rng.set_state(saved["rng"])
            for part, its_state in zip(trained, saved["trained"], strict=True):
                part.load_state_dict(its_state)
            for values in saved["losses"]:
                self.record(losses(*values))

        is_kept = of_first(self._checkpoints is not None)
        content = self._read(stage)
        if together:
            content = of_first(content)
        if content is not None:
            restore(torch.load(io.BytesIO(content)))
        if together or rank() == 0:
            for step in range(len(self.history) - begin + 1, count + 1):
                yield
                if is_kept and (step % _SAVE_EVERY == 0 or step == count):
                    self._write(stage, state())
        if processes() > 1 and not together:
            result = of_first(state() if rank() == 0 else {})
            if rank() > 0:
                restore(result)

    def _read(self, stage: str) -> bytes | None:
        return self._checkpoints.read(stage) if self._checkpoints is not None and rank() == 0 else None

    def _write(self, stage: str, state: dict[str, Any]) -> None:
        if self._checkpoints is not None and rank() == 0:
            buffer = io.BytesIO()
            torch.save(state, buffer)
            self._checkpoints.write(stage, buffer.getvalue())

    def parallel(self, network: nn.Module) -> nn.Module:
        """Return the network such that each step uses the mean of the gradients of all processes.

        Args:
            network: has `layers`. If the weights are shared out, only one of them is complete at a time, and a copy is trained
                instead of the network itself: see `Optimization.weights`.
        """
        if not (self._is_sharded and dist.is_initialized()):
            return averaging_gradients(network)
        network = copy.deepcopy(network)
        mesh = init_device_mesh("cpu", (processes(),))
        for part in [*network.get_submodule("layers").children(), network]:
            fully_shard(part, mesh=mesh)
        return network


def random_numbers(stage: str, seed: int) -> torch.Generator:
    """Return the random numbers of a stage."""
    return torch.Generator().manual_seed(zlib.crc32(f"{stage} {seed}".encode()))
