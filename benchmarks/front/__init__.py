"""Errors and costs of potentials of several kinds, trained on the same structures."""
