"""Fitting moment tensor potentials: the linear coefficients eliminated, the radial ones iterated.

The parts, in the order of a fit: `training` (what the family gives to `fit` and to campaigns),
`problem_builder` and `problem` (equations of a potential on a training set), `normal_equations` and
`vanishing_columns` (assembled in bounded memory), `elimination` (of the linear coefficients),
`levenberg_marquardt` (over the radial ones), `random_starts`, `member_fits` (the potentials of an
ensemble, one by one), `journal` and `checkpoint` (what is kept of it).
"""
