"""Estimates, intervals and verdicts from samples. See README.md of this folder."""
