"""Attacks on the package: one module each, run by ``tools/attack.py``."""
