"""Spikingformer-CML for small images (Zhou et al., arXiv 2304.11954 and 2305.05954) in PyTorch, written from the
papers: what the bench compares this library with. Tensors are [time, batch, channels, height, width], as in the
authors' code, and so are the names of its weights."""

from torch import Tensor, nn

from layers import Layers, Neuron

class SpikingTokenizer(Layers):
    """Five 3x3 ConvBN; the third and fourth halve each side before their spikes (CML)."""

    def __init__(self, channels: int, neuron: Neuron):
        super().__init__()
        widths = [3, channels // 8, channels // 4, channels // 2, channels, channels]
        for i, (width, filters) in enumerate(zip(widths, widths[1:])):
            conv = nn.Conv2d(width, filters, 3, padding=1, bias=False)
            self.add(f'proj{i or ""}', conv, nn.BatchNorm2d(filters))
        self.neurons = nn.ModuleList(neuron() for _ in range(4))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_bn('proj', x)
        for i, neuron in enumerate(self.neurons, start=1):
            x = self.conv_bn(f'proj{i}', neuron(x))
            if i in (2, 3):
                x = self.pool(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return x


class SpikingSelfAttention(Layers):
    """LIF; q, k, v = LIF(BN(W x)); LIF(0.125 (q kT) v); BN(W x + b): no softmax, since all of it are spikes."""

    def __init__(self, channels: int, heads: int, neuron: Neuron):
        super().__init__()
        self.heads = heads
        self.proj_lif, self.q_lif, self.k_lif, self.v_lif = (neuron() for _ in range(4))
        self.attn_lif = neuron(v_threshold=0.5)
        for name in ('q', 'k', 'v', 'proj'):
            conv = nn.Conv1d(channels, channels, 1, bias=name == 'proj')
            self.add(name, conv, nn.BatchNorm1d(channels))

    def forward(self, x: Tensor) -> Tensor:
        side = x.shape[-2:]
        x = self.proj_lif(x.flatten(-2))

        def spikes(name: str, neuron: nn.Module) -> Tensor:  # [time, batch, heads, tokens, channels of a head]
            return neuron(self.conv_bn(name, x)).unflatten(2, (self.heads, -1)).transpose(-1, -2)

        q, k, v = spikes('q', self.q_lif), spikes('k', self.k_lif), spikes('v', self.v_lif)
        mixed = ((q @ k.transpose(-1, -2)) @ v) * 0.125
        joined = self.attn_lif(mixed.transpose(-1, -2).flatten(2, 3))
        return self.conv_bn('proj', joined).unflatten(-1, side)


class SpikingMLP(Layers):
    """LIF, linear, BN, to four times the channels and back."""

    def __init__(self, channels: int, neuron: Neuron):
        super().__init__()
        hidden = 4 * channels
        self.mlp1_lif, self.mlp2_lif = neuron(), neuron()
        self.add('mlp1', nn.Conv2d(channels, hidden, 1), nn.BatchNorm2d(hidden))
        self.add('mlp2', nn.Conv2d(hidden, channels, 1), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv_bn('mlp1', self.mlp1_lif(x))
        return self.conv_bn('mlp2', self.mlp2_lif(hidden))


class SpikingformerBlock(nn.Module):
    """What is added is real numbers: each branch begins with spikes."""

    def __init__(self, channels: int, heads: int, neuron: Neuron):
        super().__init__()
        self.attn = SpikingSelfAttention(channels, heads, neuron)
        self.mlp = SpikingMLP(channels, neuron)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(x)
        return x + self.mlp(x)


class Spikingformer(nn.Module):
    """Images [batch, 3, height, width], presented at every time step, to logits."""

    def __init__(self, channels: int, depth: int, heads: int, classes: int, time_steps: int, neuron: Neuron):
        super().__init__()
        self.time_steps = time_steps
        self.patch_embed = SpikingTokenizer(channels, neuron)
        self.block = nn.ModuleList(SpikingformerBlock(channels, heads, neuron) for _ in range(depth))
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patch_embed(images.unsqueeze(0).repeat(self.time_steps, 1, 1, 1, 1))
        for block in self.block:
            x = block(x)
        return self.head(x.flatten(-2).mean(-1).mean(0))
