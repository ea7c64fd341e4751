"""Labels and positions that cannot be right, found before a fit.

`plausibility` (single numbers that are impossible or suspicious), `label_consistency` (whether
differences of energy are the work of the forces), `force_bounds` (forces that the distances do not
allow); then what the structures say of each other by a cheap fit of a moment tensor potential:
`contrary_labels` and `misplaced_atoms`. `examination` runs them; each gives `findings`.
"""
