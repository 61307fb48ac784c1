"""Learners of finite size: the model sampled and trained, as an independent check of the theory."""

from .simulate import Estimate, Simulation, SimulationError, simulate

__all__ = ["Estimate", "Simulation", "SimulationError", "simulate"]
