"""Learners of finite size: the model sampled and trained, as an independent check of the theory."""

from .actual import ActivationFeatures, DotProductKernel, RBFKernel
from .agreement import Agreement, agreement
from .corrupted import recall
from .cover import cover_count, cover_fraction
from .gamp import Gamp, gamp
from .gibbs import ChainMean, Gibbs, gibbs
from .image_study import ImageStudy, image_study
from .images import Images, ImageSample, load_images
from .network_study import NetworkCurve, NetworkStudy, network_curve, network_study
from .networks import Network, TrainedNetwork, train_network, training_path
from .scores import Scores
from .separate import Separation, is_separable, separate
from .simulate import Estimate, Simulation, SimulationError, simulate
from .state_evolution import state_evolution
from .storage import FiniteCapacity, finite_capacity, separable_fraction
from .suite import Case, suite
from .training import Trained, TrainedKernel, train, train_kernel
from .trajectory import Trajectory
from .universality import Convergence, PowerLaw, Universality, power_law, universality

__all__ = [
    "ActivationFeatures",
    "Agreement",
    "Case",
    "ChainMean",
    "Convergence",
    "DotProductKernel",
    "Estimate",
    "FiniteCapacity",
    "Gamp",
    "Gibbs",
    "ImageSample",
    "ImageStudy",
    "Images",
    "Network",
    "NetworkCurve",
    "NetworkStudy",
    "PowerLaw",
    "RBFKernel",
    "Scores",
    "Separation",
    "Simulation",
    "SimulationError",
    "Trained",
    "TrainedKernel",
    "TrainedNetwork",
    "Trajectory",
    "Universality",
    "agreement",
    "cover_count",
    "cover_fraction",
    "finite_capacity",
    "gamp",
    "gibbs",
    "image_study",
    "is_separable",
    "load_images",
    "network_curve",
    "network_study",
    "power_law",
    "recall",
    "separable_fraction",
    "separate",
    "simulate",
    "state_evolution",
    "suite",
    "train",
    "train_kernel",
    "train_network",
    "training_path",
    "universality",
]
