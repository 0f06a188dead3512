"""Readers of photoelectron spectra: each file becomes one `records.Photoemission` a region."""
