"""Solvers that know no physics: the structured implicit integrator, the frequency response, least squares."""
