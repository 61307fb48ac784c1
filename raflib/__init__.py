"""Rules and Facts: the replica-symmetric theory of the RAF model, solved, observed and simulated.

>>> import raflib as rf
>>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
>>> sol = rf.solve(task, rf.Learner(rf.Hinge(), rf.Linear(), lam=0.1))
>>> round(rf.generalization_error(sol), 4), round(rf.memorization_error(sol), 4)
(0.3013, 0.1472)
"""

from .activations import Hermite, activation_bias, hermite, rbf_eta
from .features import Kernel, Linear, RandomFeatures
from .finite import Estimate, Simulation, SimulationError, simulate
from .gardner import GardnerVolume, gardner_volume
from .large_load import Asymptotics, asymptotics, rate
from .learner import BayesOptimal, Learner
from .limits import BestLam, best_lam, interpolation_threshold, optimal_ridge
from .losses import Hinge, Logistic, MaxMargin, MinNorm, Square, SquaredHinge
from .margins import Atoms, MarginDistribution, MarginLaw, margin_distribution
from .notebook import check, stamp
from .observables import (
    TrainingErrors,
    WeightNorm,
    degrees_of_freedom,
    free_energy,
    generalization_error,
    gibbs_error,
    memorization_error,
    training_error,
    training_errors,
    training_loss,
    weight_norm,
)
from .overlaps import Conjugates, Overlaps
from .recall import basin_radius, nonlinear_overlap, rbf_overlap, recall_error
from .separability import capacity
from .solve import ConvergenceError, ConvergenceWarning, Solution, solve
from .sweep import Sweep, sweep
from .task import RulesAndFacts, Sample

__all__ = [
    "Asymptotics",
    "Atoms",
    "BayesOptimal",
    "BestLam",
    "Conjugates",
    "ConvergenceError",
    "ConvergenceWarning",
    "Estimate",
    "GardnerVolume",
    "Hermite",
    "Hinge",
    "Kernel",
    "Learner",
    "Linear",
    "Logistic",
    "MarginDistribution",
    "MarginLaw",
    "MaxMargin",
    "MinNorm",
    "Overlaps",
    "RandomFeatures",
    "RulesAndFacts",
    "Sample",
    "Simulation",
    "SimulationError",
    "Solution",
    "Square",
    "SquaredHinge",
    "Sweep",
    "TrainingErrors",
    "WeightNorm",
    "activation_bias",
    "asymptotics",
    "basin_radius",
    "best_lam",
    "capacity",
    "check",
    "degrees_of_freedom",
    "free_energy",
    "gardner_volume",
    "generalization_error",
    "gibbs_error",
    "hermite",
    "interpolation_threshold",
    "margin_distribution",
    "memorization_error",
    "nonlinear_overlap",
    "optimal_ridge",
    "rate",
    "rbf_eta",
    "rbf_overlap",
    "recall_error",
    "simulate",
    "solve",
    "stamp",
    "sweep",
    "training_error",
    "training_errors",
    "training_loss",
    "weight_norm",
]
