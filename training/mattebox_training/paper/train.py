"""The paper's training loop: matting, then segmentation, every iteration; resumable by the same command."""

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from ..network import MattingNetwork
from ..network.initial import initialise, load_imagenet
from ..run.checkpoint import Clock, load_checkpoint, save_checkpoint
from ..run.curves import Curves
from ..run.processes import Processes
from .batches import Collection, Iterations, Step, as_tensor
from .objective import Objective
from .samples import matting_sample
from .stages import STAGES, Rates, Stage

LOG_EVERY = 20  # iterations
VALIDATION_SAMPLES = 8


@dataclass(frozen=True)
class Setup:
    """What a run is made of."""

    data: Collection
    folder: Path
    imagenet: Path | None = None
    validation: Collection | None = None
    stages: tuple[Stage, ...] = STAGES
    seed: int = 0
    workers: int = 0
    stop_after: int | None = None  # iterations; tests


class PaperTraining:
    """One run: the network, its optimiser, and where in the schedule they stand."""

    def __init__(self, setup: Setup, processes: Processes) -> None:
        self.setup, self.processes = setup, processes
        self.path = setup.folder / "checkpoint.pt"
        torch.manual_seed(setup.seed)
        network = MattingNetwork()
        self.stage_number, self.epoch, self.iteration, self.total, self.trained_s = 0, 0, 0, 0, 0.0
        state = load_checkpoint(self.path, processes.device) if self.path.exists() else None
        if state is None:
            initialise(network)
            if setup.imagenet:
                load_imagenet(network, setup.imagenet)
        if processes.device.type == "cuda" and processes.count > 1:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        self.network = network.to(processes.device)
        self.optimiser = torch.optim.Adam(parameter_groups(self.network))
        # Does nothing with bfloat16 and on CPUs.
        self.scaler = torch.amp.GradScaler(processes.device.type, enabled=processes.device.type == "cuda")
        if state is not None:
            self.network.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.scaler.load_state_dict(state["scaler"])
            self.stage_number, self.epoch, self.iteration = state["stage"], state["epoch"], state["iteration"]
            self.total, self.trained_s = state["total"], state["trained_s"]
        self.objective = processes.wrap(Objective(self.network))

    def save(self) -> None:
        """The first process writes; all hold the same weights."""
        if not self.processes.first:
            return
        save_checkpoint(
            self.path,
            {
                "network": self.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "scaler": self.scaler.state_dict(),
                "stage": self.stage_number,
                "epoch": self.epoch,
                "iteration": self.iteration,
                "total": self.total,
                "trained_s": self.trained_s,
            },
        )

    def run(self) -> None:
        """All stages that are left. Ends early, with a checkpoint, when a process is asked to end."""
        curves = Curves(self.setup.folder) if self.processes.first else None
        clock = Clock()
        try:
            while self.stage_number < len(self.setup.stages):
                stage = self.setup.stages[self.stage_number]
                set_rates(self.optimiser, stage.rates)
                while self.epoch < stage.epochs:
                    if not self._epoch(stage, curves, clock):
                        self.save()
                        return
                    self.epoch, self.iteration = self.epoch + 1, 0
                    self._validate(stage, curves)
                    self.save()
                self.stage_number, self.epoch = self.stage_number + 1, 0
            self.save()
        finally:
            if curves:
                curves.close()

    def _epoch(self, stage: Stage, curves: Curves | None, clock: Clock) -> bool:
        """The rest of an epoch; False if it was asked to end."""
        setup, processes = self.setup, self.processes
        data = Iterations(stage, setup.data, setup.seed, self.epoch, processes.rank, processes.count)
        loader = DataLoader(
            data,
            batch_size=None,
            sampler=range(self.iteration, len(data)),
            num_workers=setup.workers,
            pin_memory=processes.device.type == "cuda",
        )
        title = f"{stage.name} {self.epoch + 1}/{stage.epochs}"
        bar = tqdm(total=len(data), initial=self.iteration, desc=title, disable=not processes.first, mininterval=2)
        sums: dict[str, list[float]] = defaultdict(list)
        for step in loader:
            begun = time.monotonic()
            for name, value in self._iterate(step, stage).items():
                sums[name].append(value)
            self.iteration += 1
            self.total += 1
            self.trained_s += time.monotonic() - begun
            bar.update()
            if curves and (self.total % LOG_EVERY == 0 or self.iteration == len(data)):
                curves.add(self.total, {f"loss/{name}": float(np.mean(values)) for name, values in sums.items()})
                sums.clear()
            ending = processes.agree(clock.ending or self.total == setup.stop_after)
            if clock.due():
                self.save()
            if ending:
                return False
        bar.close()
        return True

    def _iterate(self, step: Step, stage: Stage) -> dict[str, float]:
        """Low resolution, then high where the stage has it, then segmentation: an optimiser step each."""
        found = {f"low/{name}": value for name, value in self._minimise("matting", step.low).items()}
        if step.high is not None and stage.high is not None:
            high = self._minimise("matting", step.high, stage.high.ratio)
            found |= {f"high/{name}": value for name, value in high.items()}
        return found | self._minimise("segmentation", step.segmentation)

    def _minimise(self, task: str, tensors: tuple[torch.Tensor, ...], ratio: float = 1) -> dict[str, float]:
        self.objective.train()
        tensors = tuple(tensor.to(self.processes.device, non_blocking=True) for tensor in tensors)
        with self.processes.autocast():
            parts = self.objective(task, tensors, ratio)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(parts["total"]).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return {name: float(value.detach()) for name, value in parts.items() if name != "total"}

    @torch.no_grad()
    def _validate(self, stage: Stage, curves: Curves | None) -> None:
        """MAD · 10³ on composites that are the same every time."""
        if curves is None or self.setup.validation is None:
            return
        data = self.setup.validation
        foregrounds, backgrounds = data.get(stage.foregrounds), data.get("background")
        self.network.eval()
        errors = []
        for number in range(VALIDATION_SAMPLES):
            rng = np.random.default_rng([self.setup.seed, number])
            item = (number % len(foregrounds.lengths()), 0)
            sample = matting_sample(foregrounds, item, backgrounds, rng, (stage.sides[0],) * 2, stage.clip_frames)
            source = as_tensor(sample.source[None]).to(self.processes.device).float() / 255
            truth = as_tensor(sample.alpha[None]).to(self.processes.device).float() / 255
            errors.append(float((self.network(source).alpha - truth[0]).abs().mean()) * 1000)
        curves.add(self.total, {"validation/mad": float(np.mean(errors))})


def parameter_groups(network: MattingNetwork) -> list[dict[str, object]]:
    """Backbone, LR-ASPP, decoder with the projections, refiner: in the order of Rates' fields."""
    decoder = [network.decoder, network.project_mat, network.project_seg]
    return [
        {"params": list(network.backbone.parameters()), "lr": 0.0},
        {"params": list(network.aspp.parameters()), "lr": 0.0},
        {"params": [parameter for part in decoder for parameter in part.parameters()], "lr": 0.0},
        {"params": list(network.refiner.parameters()), "lr": 0.0},
    ]


def set_rates(optimiser: torch.optim.Optimizer, rates: Rates) -> None:
    for group, rate in zip(
        optimiser.param_groups, (rates.backbone, rates.aspp, rates.decoder, rates.refiner), strict=True
    ):
        group["lr"] = rate
