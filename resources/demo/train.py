"""Train the demo model from nothing, on two CPU cores, in under an hour.

    nice -n -15 python train.py

Two processes of one thread each share every batch and add their gradients:
two threads in one process wait for each other at every operation and fall
to a tenth of the speed when the cores are busy. Blocks are compiled once
per length, batches hold conversations of like length, matrices learn with
Muon and the rest with AdamW (both as in their papers), linear layers run in
bfloat16. Everything follows from SEED; a checkpoint every two minutes lets a
stopped run go on.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import data
import tokenizer as bpe
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from model import Model, Shape
from torch import Tensor

SEED = 20261122
WARMUP = 100
RANKS = 2
ROWS = 4096  # tokens of one batch in one process
CHUNK = 20_000  # conversations made at a time
LENGTHS = (64, 96, 128, 160, 192, 240, 304, 400, 544, 800)
MUON_LR = 0.006
ADAM_LR = 0.004
LOG_SECONDS = 20
SAVE_SECONDS = 120


@dataclass(frozen=True)
class Phase:
    """A stretch of training: `peak` is its share of the rates, `mix` its families."""

    name: str
    steps: int
    peak: float
    mix: dict[str, float]


# The rare texts and the refusals need more than their share, but only at the end: from the start
# it slows the arithmetic, on which everything else waits.
PHASES = (
    Phase("broad", 2200, 1.0, data.MIX),
    Phase("rare", 500, 0.35, data.LATE_MIX),
    Phase("honest", 600, 0.5, data.HONEST_MIX),
    Phase("settled", 700, 0.5, data.LAST_MIX),
)


def make_tokenizer() -> bpe.Tokenizer:
    """The tokenizer, learnt from the first conversations of the seed."""
    rng = random.Random(SEED)
    texts = [
        p for _ in range(CHUNK) for p, _ in data.pieces(data.chat(rng)) if p not in bpe.CONTROL
    ]
    return bpe.train(texts, Shape.vocab)


def chunk(tok: bpe.Tokenizer, number: int, mix: dict[str, float]) -> list[tuple[Tensor, Tensor]]:
    """Chunk `number` as shuffled batches (ids, targets), each (rows, length)."""
    rng = random.Random(SEED * 1000 + number)
    chats = [data.pieces(data.chat(rng, mix)) for _ in range(CHUNK)]
    words = tok.encode_batch(
        [p for c in chats for p, _ in c if p not in bpe.CONTROL], add_special_tokens=False
    )
    encoded = iter(words)
    buckets: dict[int, list[tuple[list[int], list[int]]]] = {n: [] for n in LENGTHS}
    for pieces in chats:
        ids: list[int] = []
        want: list[int] = []
        for piece, trained in pieces:
            new = [bpe.CONTROL[piece]] if piece in bpe.CONTROL else next(encoded).ids
            ids += new
            want += new if trained else [-100] * len(new)
        fits = [n for n in LENGTHS if n >= len(ids) - 1]
        if fits:
            buckets[fits[0]].append((ids[:-1], want[1:]))
    batches = []
    for length, rows in buckets.items():
        size = ROWS // length
        for at in range(0, len(rows) - size * RANKS + 1, size):
            group = rows[at : at + size]
            x = torch.full((size, length), bpe.CONTROL["<pad>"])
            y = torch.full((size, length), -100)
            for i, (ids, want) in enumerate(group):
                x[i, : len(ids)] = torch.tensor(ids)
                y[i, : len(want)] = torch.tensor(want)
            batches.append((x, y))
        if len(batches) % RANKS:
            batches.pop()
    steps = [batches[i : i + RANKS] for i in range(0, len(batches), RANKS)]
    rng.shuffle(steps)
    return [b for step in steps for b in step]


def batches(
    tok: bpe.Tokenizer, phase: Phase, rank: int, skip: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """This process's batch of every step of a phase, from step `skip` on."""
    number = 500 * PHASES.index(phase)
    while True:
        number += 1
        mine = chunk(tok, number, phase.mix)[rank::RANKS]
        if skip >= len(mine):
            skip -= len(mine)
            continue
        yield from mine[skip:]
        skip = 0


def orthogonal(g: Tensor) -> Tensor:
    """Nearest orthogonal matrices of a stack (n, rows, columns), roughly: the
    quintic Newton-Schulz iteration of Muon (Jordan and others, 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    flip = x.shape[-2] > x.shape[-1]
    if flip:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        s = x @ x.mT
        x = a * x + (b * s + c * (s @ s)) @ x
    return (x.mT if flip else x).float()


class Muon:
    """Momentum whose step is made orthogonal; matrices of one shape at once."""

    def __init__(self, params: list[Tensor]) -> None:
        self.groups: dict[tuple[int, ...], list[Tensor]] = {}
        for p in params:
            self.groups.setdefault(tuple(p.shape), []).append(p)
        self.momenta = {s: torch.zeros(len(ps), *s) for s, ps in self.groups.items()}

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Move every matrix by its momentum, made orthogonal."""
        for shape, params in self.groups.items():
            g = torch.stack([p.grad for p in params])
            m = self.momenta[shape].lerp_(g, 0.05)
            update = orthogonal(g.lerp(m, 0.95)) * max(1.0, shape[0] / shape[1]) ** 0.5
            for p, u in zip(params, update, strict=True):
                p.mul_(1 - lr * 0.05).sub_(u, alpha=lr)


def rate(step: int, phase: Phase) -> float:
    """Share of the highest rates: a short rise, then a cosine down to nothing."""
    if step < WARMUP:
        return phase.peak * (step + 1) / WARMUP
    done = (step - WARMUP) / (phase.steps - WARMUP)
    return phase.peak * (0.5 + 0.5 * math.cos(math.pi * done))


def share_gradients(params: list[Tensor], loss: Tensor) -> float:
    """Average the gradients of all processes, cut their norm at 1 and put
    them back; returns the mean loss."""
    flat = torch.cat([p.grad.flatten() for p in params] + [loss.detach()[None]])
    dist.all_reduce(flat)
    flat /= RANKS
    flat[:-1] *= min(1.0, 1.0 / (flat[:-1].norm().item() + 1e-6))
    at = 0
    for p in params:
        p.grad = flat[at : at + p.numel()].view_as(p)
        at += p.numel()
    return flat[-1].item()


class Trainer:
    """The model with its two optimizers, saved and loaded together."""

    def __init__(self, before: Path | None, checkpoint: Path) -> None:
        torch.manual_seed(SEED)
        self.model = Model(Shape())
        if before:
            self.model.load_state_dict(torch.load(before)["model"])
        for block in self.model.blocks:
            block.compile(dynamic=False)
        named = list(self.model.named_parameters())
        self.muon = Muon([p for n, p in named if p.dim() == 2 and "embed" not in n])
        others = [p for n, p in named if p.dim() != 2 or "embed" in n]
        self.adam = torch.optim.AdamW(others, lr=ADAM_LR, betas=(0.9, 0.98), weight_decay=0.0)
        self.params = [p for _, p in named]
        self.checkpoint, self.step = checkpoint, 0
        if checkpoint.exists():
            saved = torch.load(checkpoint)
            self.model.load_state_dict(saved["model"])
            self.adam.load_state_dict(saved["adam"])
            self.muon.momenta, self.step = saved["muon"], saved["step"]

    def learn(self, ids: Tensor, targets: Tensor, share: float) -> float:
        """One step at `share` of the peak rates; returns the loss."""
        with torch.autocast("cpu", torch.bfloat16):
            loss = self.model.loss(ids, targets)
        for p in self.params:
            p.grad = None
        loss.backward()
        mean = share_gradients(self.params, loss)
        for group in self.adam.param_groups:
            group["lr"] = ADAM_LR * share
        self.adam.step()
        self.muon.step(MUON_LR * share)
        self.step += 1
        return mean

    def save(self) -> None:
        """Replace the checkpoint in one move."""
        state = {"model": self.model.state_dict(), "adam": self.adam.state_dict()}
        new = self.checkpoint.with_suffix(".new")
        torch.save({**state, "muon": self.muon.momenta, "step": self.step}, new)
        new.replace(self.checkpoint)


def run(rank: int, folder: Path, phase: Phase, before: Path | None) -> None:
    """Train one phase from the weights of the one before; the first process logs and saves."""
    tok = bpe.Tokenizer.from_file(str(folder / "tokenizer.json"))
    trainer = Trainer(before, folder / f"{phase.name}-checkpoint.pt")
    start = last_save = last_log = time.time()
    losses: list[float] = []
    for ids, targets in batches(tok, phase, rank, trainer.step):
        if trainer.step == phase.steps:
            break
        losses.append(trainer.learn(ids, targets, rate(trainer.step, phase)))
        if rank == 0 and time.time() - last_log > LOG_SECONDS:
            speed = len(losses) * ROWS * RANKS / (time.time() - last_log)
            mean, took = sum(losses) / len(losses), time.time() - start
            print(f"{phase.name} {trainer.step} loss {mean:.4f} {speed:.0f} tokens/s {took:.0f} s")
            last_log, losses = time.time(), []
        if rank == 0 and time.time() - last_save > SAVE_SECONDS:
            trainer.save()
            last_save = time.time()
    if rank == 0:
        torch.save({"model": trainer.model.state_dict()}, folder / f"{phase.name}.pt")
        print(f"{phase.name} done after {time.time() - start:.0f} s")
    dist.barrier()


def work(rank: int, folder: Path) -> None:
    """One of the processes: all phases that are not there yet."""
    torch.set_num_threads(1)
    torch._dynamo.config.recompile_limit = 64
    meet = f"file://{folder}/meet"
    dist.init_process_group("gloo", init_method=meet, rank=rank, world_size=RANKS)
    before = None
    for phase in PHASES:
        after = folder / f"{phase.name}.pt"
        if not after.exists():
            run(rank, folder, phase, before)
        before = after
    dist.destroy_process_group()


def main() -> None:
    """Make the tokenizer, then start the processes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where the weights go")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meet").unlink(missing_ok=True)
    if not (folder / "tokenizer.json").exists():
        make_tokenizer().save(str(folder / "tokenizer.json"))
    # give freed memory back late: the system's share of the time falls from a third to nothing
    os.environ.update(
        {
            "PYTHONUNBUFFERED": "1",
            "MALLOC_TRIM_THRESHOLD_": str(2**33),
            "MALLOC_MMAP_THRESHOLD_": str(2**33),
        }
    )
    mp.spawn(work, (folder,), nprocs=RANKS)


if __name__ == "__main__":
    main()
