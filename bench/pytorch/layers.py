"""What the networks of the bench share. Tensors are [time, batch, channels, height, width], as in the authors' code, and
weights have the names that they have there."""

from collections.abc import Callable

from torch import Tensor, nn

Neuron = Callable[..., nn.Module]
"""neuron(v_threshold=1.0) -> a module from currents [time, ...] to spikes."""


class Layers(nn.Module):
    """Holds convolutions with their batch norms under the authors' names, `q_conv` and `q_bn`."""

    def add(self, name: str, conv: nn.Module, bn: nn.Module) -> None:
        self.add_module(f'{name}_conv', conv)
        self.add_module(f'{name}_bn', bn)

    def conv_bn(self, name: str, x: Tensor) -> Tensor:
        """Without memory: time is a part of the batch. [time, batch, ...] -> the same."""
        y = getattr(self, f'{name}_conv')(x.flatten(0, 1))
        return getattr(self, f'{name}_bn')(y).unflatten(0, x.shape[:2])
