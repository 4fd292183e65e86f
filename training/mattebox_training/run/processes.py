"""One process or several: torchrun's environment, and what only the first of them does."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Processes:
    """Where this process stands among its equals."""

    rank: int
    count: int
    device: torch.device

    @classmethod
    def join(cls, device: str) -> "Processes":
        """Alone without torchrun; with it, over NCCL on GPUs and gloo on CPUs. device: cpu, cuda or auto."""
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if "WORLD_SIZE" not in os.environ:
            return cls(0, 1, torch.device(device))
        rank, local = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
        place = torch.device("cuda", local) if device == "cuda" else torch.device("cpu")
        if device == "cuda":
            torch.cuda.set_device(place)
        dist.init_process_group("nccl" if device == "cuda" else "gloo")
        return cls(rank, dist.get_world_size(), place)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """Gradients averaged over all processes. A step leaves parts out (the refiner, a head): they are looked for."""
        if self.count == 1:
            return module
        places = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=places, find_unused_parameters=True)

    def agree(self, ending: bool) -> bool:
        """Whether any process was asked to end: all must stop at the same step, or the rest would wait for it."""
        if self.count == 1:
            return ending
        flag = torch.tensor(int(ending), device=self.device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def autocast(self) -> AbstractContextManager:
        """Mixed precision on GPUs: float16, or bfloat16 where the GPU has it. CPUs stay with float32."""
        if self.device.type != "cuda":
            return nullcontext()
        return torch.autocast("cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16)

    def leave(self) -> None:
        if self.count > 1:
            dist.destroy_process_group()
