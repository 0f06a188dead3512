"""Fitting the model to measurements."""
