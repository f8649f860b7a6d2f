"""PyTorch's side of the bench: answers lines of JSON, one each, as bench/_worker.ts does."""

import json
import os
import resource
import sys
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from layers import Neuron
from neurons import CompiledLIF, reset, spikingjelly_lif
from qkformer import QKFormer
from spikingformer import Spikingformer

# By the family that a preset's name begins with.
NETWORKS = {'qkformer': QKFormer, 'spikingformer': Spikingformer}


@dataclass
class Peer:
    """How networks are built and run: with what neurons, and whether torch.compile gets them as a whole."""

    neuron: Neuron
    compiled: bool


# spikingjelly-2 runs as its own trainers do with execution_mode 'compile'; the version is that of the PYTHONPATH.
PEERS = {
    'pytorch-spikingjelly': Peer(spikingjelly_lif, compiled=False),
    'pytorch-compile': Peer(CompiledLIF, compiled=True),
    'spikingjelly-2': Peer(spikingjelly_lif, compiled=True),
}


class Task:
    """What is measured: `forward`, in evaluation, without gradient; `gradient`; `step`, in training."""

    def __init__(self, spec: dict, peer: Peer):
        from safetensors.torch import load_file

        tensors = load_file(spec['inputs'])
        self.kind = spec['kind']
        neuron = peer.neuron
        self.stateful = neuron is spikingjelly_lif
        x = tensors['x']
        self.module: nn.Module
        if self.kind == 'lif':
            self.module = neuron()
        else:
            family = spec['preset'].split('-')[0]
            network = NETWORKS[family](**spec['config'], neuron=neuron)
            weights = load_file(spec['weights'])
            # Spikingformer's authors' blocks own two LayerNorms that nothing calls; these blocks do not.
            used = {key: value for key, value in weights.items() if '.norm' not in key}
            network.load_state_dict(used)
            parts = {'model': '', 'tokenizer': 'patch_embed', 'block': 'block.0'}
            self.module = network.get_submodule(parts[self.kind])
        self.parameters = sum(p.numel() for p in self.module.parameters())
        # [batch, time, height, width, channels] or images [batch, height, width, channels]
        time_last = x.ndim == 5
        self.x = (x.permute(1, 0, 4, 2, 3) if time_last else x.permute(0, 3, 1, 2)).contiguous()
        if self.kind == 'tokenizer':
            self.x = self.x.unsqueeze(0).repeat(spec['config']['time_steps'], 1, 1, 1, 1)
        g = tensors.get('g')
        self.g = None if g is None else g.permute(1, 0, 4, 2, 3).contiguous()
        self.y = tensors['y'].long() if 'y' in tensors else None
        if self.kind != 'tokenizer' and self.g is not None:
            self.x.requires_grad_()
        self.call = torch.compile(self.module) if peer.compiled else self.module
        if self.kind == 'model':
            # timm's rule: biases and batch norms do not decay.
            parameters = list(self.module.parameters())
            groups = [
                {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.06},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ]
            self.optimizer = torch.optim.AdamW(groups, lr=5e-4)

    def _forget(self) -> None:
        if self.stateful:
            reset(self.module)

    def forward(self) -> Tensor:
        """The network in evaluation; its parts, and a neuron, as they run in evaluation too."""
        self.module.eval()
        with torch.no_grad():
            result = self.call(self.x)
        self._forget()
        return result

    def gradient(self) -> Tensor | None:
        """Forward and backward of sum(output * g), for the input and every parameter."""
        self.module.train()
        self.x.grad = None
        self.module.zero_grad()
        self.call(self.x).backward(self.g)
        self._forget()
        return self.x.grad

    def step(self) -> float:
        """A training step: forward, cross entropy, backward, AdamW."""
        self.module.train()
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.call(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        self._forget()
        return loss.item()

    def run(self, metric: str) -> None:
        {
            'train_ms': self.step,
            'eval_ms': self.forward,
            'forward_ms': self.forward,
            'gradient_ms': self.gradient,
        }[metric]()

    def check(self) -> dict:
        """A few numbers of each sample, by which the two sides are compared."""
        if self.kind == 'model':
            return {'forward': self.forward().tolist(), 'backward': [[self.step(), self.step()]]}
        checks = {'forward': per_sample(self.forward())}
        gradient = self.gradient()
        if gradient is not None:
            checks['backward'] = per_sample(gradient)
        return checks


def per_sample(x: Tensor) -> list[list[float]]:
    """[time, batch, ...] -> the mean size at each time step, in float64, of each sample."""
    return x.detach().double().abs().flatten(2).mean(-1).T.tolist()


class Worker:
    def __init__(self, peer: Peer, threads: int):
        self.peer = peer
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.task: Task | None = None

    def hello(self, **_) -> dict:
        return {}

    def prepare(self, **spec) -> dict:
        self.task = Task(spec, self.peer)
        return {'parameters': self.task.parameters}

    def check(self, **_) -> dict:
        return self.task.check()

    def run(self, metric: str, calls: int) -> dict:
        start = time.perf_counter()
        for _ in range(calls):
            self.task.run(metric)
        return {'ms': (time.perf_counter() - start) * 1000 / calls}

    def peak(self) -> dict:
        return {'mb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # whatever else prints does not answer
    worker = Worker(PEERS[sys.argv[1]], int(sys.argv[2]))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {'result': getattr(worker, request['ask'])(**request['parameters'])}
        except Exception as error:
            answer = {'error': f'{type(error).__name__}: {error}'}
        print(json.dumps(answer), file=answers, flush=True)


main()
