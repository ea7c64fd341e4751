"""What ASE finds of this package by the entry points of the installation.

ASE imports it with ``ase.io``, in every script: modules here import what they need when it is used.
"""
