"""The distillation's loop: resumable at any time, by the same command."""

import copy
import itertools
import math
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from ..network import MattingNetwork, Output
from ..network.initial import initialise
from ..network.matting_network import NO_MEMORY, States
from ..run.average import Average
from ..run.checkpoint import Clock, load_checkpoint, save_checkpoint
from ..run.curves import Curves
from ..weights.fold_batch_norm import fold
from ..weights.model_file import load_model_file
from .batches import SequenceBatches, sequence_batches, windows
from .losses import BOUNDARIES, Batch, DistillationLoss
from .phases import PHASES, Phase
from .quick_check import QuickCheck
from .sources import Sources

LOG_EVERY = 20  # steps
CHECK_EVERY = 250  # steps
CLIP_NORM = 5.0


@dataclass(frozen=True)
class Setup:
    """What a run is made of."""

    teacher: Path
    sources: Sources
    folder: Path  # the run's own
    quick_check: QuickCheck | None
    seed: int = 0
    workers: int = 0
    device: str = "cpu"
    phases: tuple[Phase, ...] = PHASES
    start: Path | None = None  # a model file to begin with
    begins: str | None = None  # the phase that such a file begins with; default: the first without BatchNorm


class Distillation:
    """One run: the student, its average, the optimiser, and where in the schedule they stand."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.device = torch.device(setup.device)
        self.teacher = load_model_file(setup.teacher).to(self.device, memory_format=torch.channels_last)
        self.teacher.requires_grad_(False)
        self.loss = DistillationLoss().to(self.device)
        self.path = setup.folder / "checkpoint.pt"
        self.phase_number, self.step, self.total_steps, self.trained_s = 0, 0, 0, 0.0
        if self.path.exists():
            self._resume()
        else:
            self._begin()

    def _begin(self) -> None:
        torch.manual_seed(self.setup.seed)
        if self.setup.start is None:
            network = MattingNetwork(self.setup.phases[0].batch_norm)
            initialise(network)
        else:
            network = load_model_file(self.setup.start)
            self.phase_number = self._first_folded()
        self._adopt(network)

    def _first_folded(self) -> int:
        """Where a model file begins: BatchNorm is folded in files."""
        begins = self.setup.begins
        for number, phase in enumerate(self.setup.phases):
            if not phase.batch_norm and begins in (None, phase.name):
                return number
        raise ValueError(f"No phase without BatchNorm is called {begins}.")

    def _adopt(self, network: MattingNetwork) -> None:
        """A new optimiser and average for this network."""
        self.network = network.to(self.device, memory_format=torch.channels_last).train()
        self.average = Average(self.network, 0.999)
        self.optimiser = torch.optim.AdamW(parameter_groups(self.network), lr=1e-3)

    def _resume(self) -> None:
        state = load_checkpoint(self.path, self.device)
        self.phase_number, self.step = state["phase"], state["step"]
        self.total_steps, self.trained_s = state["total_steps"], state["trained_s"]
        self._adopt(MattingNetwork(state["batch_norm"]))
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.loss.load_state_dict(state["loss"])

    def save(self, path: Path | None = None) -> None:
        save_checkpoint(
            path or self.path,
            {
                "phase": self.phase_number,
                "step": self.step,
                "total_steps": self.total_steps,
                "trained_s": self.trained_s,
                "batch_norm": self.network.batch_norm,
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "loss": self.loss.state_dict(),
            },
        )

    def run(self) -> None:
        """All phases that are left. Ends early, with a checkpoint, when the process is asked to end."""
        curves = Curves(self.setup.folder)
        clock = Clock()
        try:
            while self.phase_number < len(self.setup.phases) and not clock.ending:
                self._run_phase(self.setup.phases[self.phase_number], curves, clock)
        finally:
            curves.close()

    def _run_phase(self, phase: Phase, curves: Curves, clock: Clock) -> None:
        if not phase.batch_norm and self.network.batch_norm:
            # The average becomes the network: it is the better one, and what a file would hold.
            self._adopt(fold(self.average.network))
        elif phase.refiner_alone and self.step == 0:
            # What stays as it is is what a file would hold.
            self._adopt(copy.deepcopy(self.average.network).requires_grad_(True))
        elif self.step == 0:
            self.optimiser.state.clear()
        setup = self.setup
        data = SequenceBatches(setup.sources, phase, self.phase_number, setup.seed)
        # Checkpoints are taken when all streams end, so that no states are carried over one.
        loader = iter(sequence_batches(data, self.step // phase.windows, setup.workers))
        sums: dict[str, float] = defaultdict(float)
        bar = tqdm(total=phase.steps, initial=self.step, desc=phase.name, unit="step", mininterval=10)
        # This thread's processor time: a run beside other work waits and is paused, and neither teaches it anything.
        begun = time.thread_time()
        while streams := list(itertools.islice(loader, phase.streams)):
            before = self.total_steps
            states = [(NO_MEMORY, NO_MEMORY) for _ in streams]
            for turn in zip(*(windows(loaded, phase, self.device) for loaded in streams), strict=True):
                for number, batch in enumerate(turn):
                    parts, own, teachers = self._step(batch, phase, *states[number])
                    states[number] = own, teachers
                    for name, value in parts.items():
                        sums[name] += value
                    sums["steps"] += 1
                    self.step += 1
                    self.total_steps += 1
                    bar.update()
            now = time.thread_time()
            self.trained_s, begun = self.trained_s + now - begun, now
            if sums["steps"] >= LOG_EVERY:
                self._report(phase, sums, curves, bar)
            self._check(before, curves)
            if clock.due():
                self.save()
            if clock.ending:
                return
        if sums["steps"]:
            self._report(phase, sums, curves, bar)
        bar.close()
        self.save(self.setup.folder / f"end-of-{phase.name}.pt")
        self.phase_number += 1
        self.step = 0
        self.save()

    def _report(self, phase: Phase, sums: dict[str, float], curves: Curves, bar: tqdm) -> None:
        values = {f"loss/{name}": value / sums["steps"] for name, value in sums.items() if name != "steps"}
        curves.add(self.total_steps, {**values, "lr": learning_rate(phase, self.step), "hours": self.trained_s / 3600})
        bar.set_postfix_str(f"loss {values['loss/all']:.3f}", refresh=False)
        sums.clear()

    def _check(self, before: int, curves: Curves) -> None:
        """before: the steps when the check was thought of last."""
        check = self.setup.quick_check
        if check is None or self.total_steps // CHECK_EVERY == before // CHECK_EVERY:
            return
        found = check(self.average.network)
        curves.add(self.total_steps, {"check/iou": found.iou, "check/mad": found.mad, "check/refined": found.refined})
        tqdm.write(f"{self.total_steps} steps, {self.trained_s / 3600:.2f} h: {found}")

    def _step(
        self, batch: Batch, phase: Phase, own: States, teachers: States
    ) -> tuple[dict[str, float], States, States]:
        for group, factor in zip(self.optimiser.param_groups, (1, phase.affine), strict=True):
            group["lr"] = factor * learning_rate(phase, self.step)
        parts, own, teachers = self._parts(batch, phase, own, teachers)
        total = torch.stack(list(parts.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
        if not math.isfinite(norm):
            # One bad step must not end a night's run; its gradients are dropped.
            self.optimiser.zero_grad(set_to_none=True)
            return {"skipped": 1.0, "all": 0.0}, NO_MEMORY, teachers
        self.optimiser.step()
        self.average.update(self.network)
        values = {name: float(value.detach()) for name, value in parts.items()} | {"all": float(total.detach())}
        return values, detached(own), teachers

    def _parts(
        self, batch: Batch, phase: Phase, own: States, teachers: States
    ) -> tuple[dict[str, Tensor], States, States]:
        """What the step minimises, and the states after it, the student's with their gradients."""
        if phase.encoder_alone:
            with torch.no_grad():
                features = self.teacher.encode(batch.low)
            return self.loss.encoder(self.network.encode(batch.low), features, phase), NO_MEMORY, NO_MEMORY
        with torch.no_grad():
            target = self.teacher(batch.low, teachers)
        if phase.refiner_alone:
            with torch.no_grad():
                answer = self.network(batch.low, own)
            return self.loss.refiner(self.network, self.teacher, answer, target, batch, phase), NO_MEMORY, NO_MEMORY
        answer, taught = self._answer(batch, target, own, teachers, phase)
        parts = self.loss(self.network, self.teacher, answer, target, batch, phase, taught)
        return parts, answer.states() if answer.frames > 1 else NO_MEMORY, target.states()

    def _answer(
        self, batch: Batch, target: Output, own: States, teachers: States, phase: Phase
    ) -> tuple[Output, Output | None]:
        """The student's answer, and the teacher's where blocks were given its features."""
        if not phase.block_by_block:
            return self.network(batch.low, own), None
        # Every frame by itself, with the states that the teacher had before it: no gradient through time.
        frames = batch.low.flatten(0, 1)[:, None]
        instead = {name: target.features[name] for name in BOUNDARIES}
        return self.network(frames, states_before(target, teachers), instead), target


def parameter_groups(network: MattingNetwork) -> list[dict[str, object]]:
    """Convolutions, then what scales and shifts: BatchNorm's parameters and biases, which never decay."""
    weights = [value for value in network.parameters() if value.ndim > 1]
    affine = [value for value in network.parameters() if value.ndim == 1]
    return [{"params": weights, "weight_decay": 1e-4}, {"params": affine, "weight_decay": 0.0}]


def states_before(target: Output, first: States) -> States:
    """The states that each of [B · T] frames began with."""
    before = []
    for state, start in zip(target.all_states(), first, strict=True):
        steps = state.unflatten(0, (-1, target.frames))
        start = torch.zeros_like(steps[:, 0]) if start is None else start
        before.append(torch.cat([start[:, None], steps[:, :-1]], 1).flatten(0, 1))
    return before[0], before[1], before[2], before[3]


def detached(states: States) -> States:
    """The same values, no way back for gradients."""
    r1, r2, r3, r4 = (None if state is None else state.detach() for state in states)
    return r1, r2, r3, r4


def learning_rate(phase: Phase, step: int) -> float:
    """Rises over the warm-up, then falls from the phase's first to its last along half a cosine."""
    first, last = phase.lr
    falling = last + (first - last) * 0.5 * (1 + math.cos(math.pi * min(1, step / phase.steps)))
    return falling * min(1, (step + 1) / phase.warm_up)
