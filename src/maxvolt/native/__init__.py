"""Kernels of moment tensor potentials: the compiled core and the same in NumPy."""
