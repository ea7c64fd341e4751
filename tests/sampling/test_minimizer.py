"""Minimisation of many problems in lock step."""

from __future__ import annotations

import numpy as np
import pytest

from maxvolt.sampling.minimizer import LockstepMinimizer, MinimizerSettings


def quadratic(matrix):
    return lambda x: (0.5 * x.ravel() @ matrix @ x.ravel(), (matrix @ x.ravel()).reshape(x.shape))


def rosenbrock(x):
    a, b, c = x[0]
    value = (1 - a) ** 2 + 100 * (b - a * a) ** 2 + c * c
    return value, np.array([[-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a), 2 * c]])


def anharmonic(x):
    """A double well with a maximum at the start."""
    return float((x**4 - x**2).sum()), 4 * x**3 - 2 * x


def problems():
    generator = np.random.default_rng(2)
    found = []
    for rows in (1, 3, 2):
        a = generator.normal(size=(3 * rows, 3 * rows))
        found.append((quadratic(a @ a.T + np.eye(3 * rows)), generator.normal(size=(rows, 3))))
    found.append((rosenbrock, np.array([[-1.2, 1.0, 0.5]])))
    found.append((anharmonic, np.full((2, 3), 0.01)))
    return found


def minimize(chosen, steps=400, **settings):
    """Lowest values, and the number of steps until the gradient vanishes."""
    minimizer = LockstepMinimizer(MinimizerSettings(max_step=0.5, **settings))
    minimizer.add(np.concatenate([x for _, x in chosen]), np.array([len(x) for _, x in chosen]))
    left = list(range(len(chosen)))
    ends = {}
    for step in range(steps):
        pieces = np.split(minimizer.trial, minimizer.offsets[1:-1])
        found = [chosen[k][0](x) for k, x in zip(left, pieces, strict=True)]
        values, gradients = zip(*found, strict=True)
        done = np.array([abs(g).max() < 1e-8 for g in gradients])
        minimizer.update(np.array(values), np.concatenate(gradients))
        done |= minimizer.stuck
        for k, value in zip(np.flatnonzero(done), np.array(values)[done], strict=True):
            ends[left[k]] = (value, step)
        minimizer.remove(done)
        left = [k for k, out in zip(left, done, strict=True) if not out]
        if not left:
            break
    return ends


def test_each_problem_finds_its_minimum():
    ends = minimize(problems())
    assert sorted(ends) == [0, 1, 2, 3, 4]
    values = [ends[k][0] for k in range(5)]
    assert values == pytest.approx([0, 0, 0, 0, -6 / 4], abs=1e-12)
    assert max(steps for _, steps in ends.values()) < 120


def test_problems_do_not_see_each_other():
    together = minimize(problems())
    for k, problem in enumerate(problems()):
        alone = minimize([problem])[0]
        assert alone[1] == together[k][1]
        assert alone[0] == pytest.approx(together[k][0], abs=1e-13)


def test_new_problems_may_join():
    chosen = problems()
    minimizer = LockstepMinimizer(MinimizerSettings(max_step=0.5))
    minimizer.add(chosen[1][1], np.array([3]))
    for step in range(200):
        if step == 7:
            minimizer.add(chosen[3][1], np.array([1]))
        pieces = np.split(minimizer.trial, minimizer.offsets[1:-1])
        found = [f(x) for (f, _), x in zip((chosen[1], chosen[3]), pieces, strict=False)]
        values, gradients = zip(*found, strict=True)
        minimizer.update(np.array(values), np.concatenate(gradients))
    assert abs(np.concatenate(gradients)).max() < 1e-6


def test_a_wrong_gradient_is_noticed():
    def wrong(x):
        value, gradient = anharmonic(x)
        return value, -gradient

    minimizer = LockstepMinimizer(MinimizerSettings())
    minimizer.add(np.full((1, 3), 0.4), np.array([1]))
    for _ in range(100):
        value, gradient = wrong(minimizer.trial)
        minimizer.update(np.array([value]), gradient)
        if minimizer.stuck[0]:
            return
    pytest.fail("it did not give up")


def test_steps_are_no_longer_than_allowed():
    minimizer = LockstepMinimizer(MinimizerSettings(max_step=0.05, stiffness=1e-3))
    minimizer.add(np.full((2, 3), 3.0), np.array([2]))
    last = minimizer.trial
    for _ in range(30):
        value = 0.5 * float((minimizer.trial**2).sum())
        minimizer.update(np.array([value]), minimizer.trial)
        assert np.linalg.norm(minimizer.trial - last, axis=1).max() < 0.05 * (1 + 1e-12)
        last = minimizer.trial
