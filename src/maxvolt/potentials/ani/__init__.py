"""ANI potentials (Smith et al. 2017): symmetry functions and a neural network for each element."""
