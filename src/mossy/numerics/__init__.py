"""Solvers that know no physics: the structured implicit integrator, the frequency response,
ladders of n rails, least squares of one problem or thousands."""
