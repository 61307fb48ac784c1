"""Learners of finite size: the model sampled and trained, as an independent check of the theory."""

from .actual import ActivationFeatures, DotProductKernel, RBFKernel
from .simulate import Estimate, Simulation, SimulationError, simulate
from .training import Trained, TrainedKernel, train, train_kernel

__all__ = [
    "ActivationFeatures",
    "DotProductKernel",
    "Estimate",
    "RBFKernel",
    "Simulation",
    "SimulationError",
    "Trained",
    "TrainedKernel",
    "simulate",
    "train",
    "train_kernel",
]
