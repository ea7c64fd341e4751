"""MLIP's files of moment tensor potentials."""
