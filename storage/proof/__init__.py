"""Proof of delivery and incidents: what the parties of a haul leave behind of it."""

from .incidents import Incident, IncidentStore
from .proofs import Demand, Proof, ProofStore

__all__ = ["Demand", "Incident", "IncidentStore", "Proof", "ProofStore"]
