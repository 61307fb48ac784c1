"""Learners of finite size: the model sampled and trained, as an independent check of the theory."""

from .actual import ActivationFeatures, DotProductKernel, RBFKernel
from .cover import cover_count, cover_fraction
from .gamp import Gamp, gamp
from .gibbs import ChainMean, Gibbs, gibbs
from .separate import Separation, is_separable, separate
from .simulate import Estimate, Simulation, SimulationError, simulate
from .state_evolution import state_evolution
from .storage import FiniteCapacity, finite_capacity, separable_fraction
from .training import Trained, TrainedKernel, train, train_kernel
from .trajectory import Trajectory

__all__ = [
    "ActivationFeatures",
    "ChainMean",
    "DotProductKernel",
    "Estimate",
    "FiniteCapacity",
    "Gamp",
    "Gibbs",
    "RBFKernel",
    "Separation",
    "Simulation",
    "SimulationError",
    "Trained",
    "TrainedKernel",
    "Trajectory",
    "cover_count",
    "cover_fraction",
    "finite_capacity",
    "gamp",
    "gibbs",
    "is_separable",
    "separable_fraction",
    "separate",
    "simulate",
    "state_evolution",
    "train",
    "train_kernel",
]
