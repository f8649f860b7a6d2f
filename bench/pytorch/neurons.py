"""The neurons that the networks are built with: SpikingJelly's, and one without state, written for torch.compile.
Both: tau 2, decayed input, hard reset to 0, detached; the surrogate is the derivative of sigmoid(4 u)."""

import torch
from torch import Tensor, nn


def spikingjelly_lif(v_threshold: float = 1.0) -> nn.Module:
    """Multi-step, of whichever version is installed, computed by PyTorch. reset() forgets its membranes after a call."""
    from spikingjelly.activation_based import neuron, surrogate

    return neuron.LIFNode(
        tau=2.0,
        v_threshold=v_threshold,
        v_reset=0.0,
        surrogate_function=surrogate.Sigmoid(alpha=4.0),
        detach_reset=True,
        step_mode='m',
    )


class Spike(torch.autograd.Function):
    """s = u >= 0; ds/du = 4 sigmoid(4 u) (1 - sigmoid(4 u))."""

    @staticmethod
    def forward(ctx, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        s = torch.sigmoid(4.0 * u)
        return gradient * 4.0 * s * (1.0 - s)


class CompiledLIF(nn.Module):
    """The steps unrolled, without state: the compiler makes one loop of them."""

    def __init__(self, v_threshold: float = 1.0):
        super().__init__()
        self.v_threshold = v_threshold

    def forward(self, x: Tensor) -> Tensor:
        v = torch.zeros_like(x[0])
        spikes = []
        for current in x.unbind(0):
            h = v + (current - v) / 2.0
            s = Spike.apply(h - self.v_threshold)
            v = h * (1.0 - s.detach())
            spikes.append(s)
        return torch.stack(spikes)


def reset(module: nn.Module) -> None:
    """SpikingJelly's neurons keep their membranes from call to call unless told otherwise."""
    from spikingjelly.activation_based import functional

    functional.reset_net(module)
