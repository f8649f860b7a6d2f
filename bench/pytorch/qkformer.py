"""QKFormer for small images (Zhou et al., arXiv 2403.16552) in PyTorch, written from the paper: what the bench compares
this library with. Tensors and the names of weights are as layers.py says. The last neuron of full attention integrates
over time, as in the paper; in the authors' code it runs over time and batch, in as many steps, which takes longer."""

from torch import Tensor, nn

from layers import Layers, Neuron
from spikingformer import SpikingMLP


class PatchEmbedding(Layers):
    """Two 3x3 ConvBN with spikes; around the second, or where the image is halved around both, a 1x1 ConvBN with spikes
    (SPEDS). What leaves is the sum, of whole numbers."""

    def __init__(self, width: int, channels: int, neuron: Neuron, first: bool):
        super().__init__()
        self.names = ('proj', 'proj1') if first else ('proj3', 'proj4')
        self.first = first
        middle = channels // 2 if first else channels
        for name, source, filters in zip(self.names, (width, middle), (middle, channels)):
            self.add(name, nn.Conv2d(source, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters))
        around, stride = (middle, 1) if first else (width, 2)
        shortcut = nn.Conv2d(around, channels, 1, stride=stride, bias=False)
        self.add('proj_res', shortcut, nn.BatchNorm2d(channels))
        self.neurons = nn.ModuleList(neuron() for _ in range(3))
        self.pool = nn.Identity() if first else nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        spikes = self.neurons[0](self.conv_bn(self.names[0], x))
        pooled = self.pool(self.conv_bn(self.names[1], spikes).flatten(0, 1)).unflatten(0, x.shape[:2])
        shortcut = self.conv_bn('proj_res', spikes if self.first else x)
        return self.neurons[1](pooled) + self.neurons[2](shortcut)


class Attention(Layers):
    """Of tokens [time, batch, channels, tokens]: q, k and, if there is one, v = LIF(BN(W x)); LIF(BN(W y + b)) of the
    y that a subclass makes of them."""

    def __init__(self, channels: int, heads: int, neuron: Neuron, names: str):
        super().__init__()
        self.heads = heads
        self.names = names
        self.neurons = nn.ModuleDict({name: neuron() for name in [*names, 'proj']})
        self.attn_lif = neuron(v_threshold=0.5)
        for name in self.neurons:
            conv = nn.Conv1d(channels, channels, 1, bias=name == 'proj')
            self.add(name, conv, nn.BatchNorm1d(channels))

    def mix(self, *heads: Tensor) -> Tensor:
        """[time, batch, heads, channels of a head, tokens] each -> the same"""
        raise NotImplementedError

    def spikes(self, name: str, x: Tensor) -> Tensor:
        return self.neurons[name](self.conv_bn(name, x))

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(-2)
        heads = [self.spikes(name, tokens).unflatten(2, (self.heads, -1)) for name in self.names]
        return self.spikes('proj', self.mix(*heads).flatten(2, 3)).unflatten(-1, x.shape[-2:])


class TokenAttention(Attention):
    """LIF(sum of q over the channels of a head) lets k pass, or not: a token of a head at a time."""

    def __init__(self, channels: int, heads: int, neuron: Neuron):
        super().__init__(channels, heads, neuron, 'qk')

    def mix(self, q: Tensor, k: Tensor) -> Tensor:
        return self.attn_lif(q.sum(3, keepdim=True)) * k


class SelfAttention(Attention):
    """LIF(0.125 (q kT) v)"""

    def __init__(self, channels: int, heads: int, neuron: Neuron):
        super().__init__(channels, heads, neuron, 'qkv')

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = (each.transpose(-1, -2) for each in (q, k, v))
        mixed = (q @ k.transpose(-1, -2)) @ v * 0.125
        return self.attn_lif(mixed.transpose(-1, -2))


class MLP(SpikingMLP):
    """The same weights; linear, BN, LIF, to four times the channels and back."""

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp2_lif(self.conv_bn('mlp2', self.mlp1_lif(self.conv_bn('mlp1', x))))


class Block(nn.Module):
    """What is added is spikes: each branch ends with them. `name`: the attention's, in the authors' code."""

    def __init__(self, name: str, attention: Attention, mlp: MLP):
        super().__init__()
        self.name = name
        self.add_module(name, attention)
        self.mlp = mlp

    def forward(self, x: Tensor) -> Tensor:
        x = x + getattr(self, self.name)(x)
        return x + self.mlp(x)


class QKFormer(nn.Module):
    """Images [batch, 3, height, width], presented at every time step, to logits. Three stages, of a quarter, half and
    all of the channels; token attention in one block of each of the first two, full attention in the rest."""

    def __init__(self, channels: int, depth: int, heads: int, classes: int, time_steps: int, neuron: Neuron):
        super().__init__()
        self.time_steps = time_steps
        width = 3
        for stage, blocks in enumerate((1, 1, depth - 2), start=1):
            filters = channels // 2 ** (3 - stage)
            name, attention = ('ssa', SelfAttention) if stage == 3 else ('tssa', TokenAttention)
            self.add_module(f'patch_embed{stage}', PatchEmbedding(width, filters, neuron, first=stage == 1))
            made = (Block(name, attention(filters, heads, neuron), MLP(filters, neuron)) for _ in range(blocks))
            self.add_module(f'stage{stage}', nn.Sequential(*made))
            width = filters
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = images.unsqueeze(0).repeat(self.time_steps, 1, 1, 1, 1)
        for stage in (1, 2, 3):
            x = getattr(self, f'patch_embed{stage}')(x)
            x = getattr(self, f'stage{stage}')(x)
        return self.head(x.flatten(-2).mean(-1).mean(0))
