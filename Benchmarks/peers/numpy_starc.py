"""Distances between rewards per second by numpy, the published formulas: epic|val STATES ACTIONS DISCOUNT SECONDS."""

import sys
import time

import numpy as np

kind, states, actions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
discount, seconds = float(sys.argv[4]), float(sys.argv[5])
rng = np.random.default_rng(0)
logits = rng.normal(size=(states, actions, states))
logits[logits <= 1.8] = -20
transitions = np.exp(logits - logits.max(2, keepdims=True))
transitions /= transitions.sum(2, keepdims=True)
first, second = rng.normal(size=(2, states, actions, states))


def epic(reward):
    means = reward.mean((1, 2))
    return reward + discount * means[None, None, :] - means[:, None, None] - discount * means.mean()


def val(reward):
    expected = (transitions * reward).sum(2)
    values = np.linalg.solve(np.eye(states) - discount * transitions.mean(1), expected.mean(1))
    advantages = expected - values[:, None] + discount * transitions @ values
    return np.repeat(advantages[:, :, None], states, 2)


def distance():
    one, two = ({"epic": epic, "val": val}[kind](reward) for reward in (first, second))
    return np.linalg.norm(one / np.linalg.norm(one) - two / np.linalg.norm(two))


def rate(seconds):
    begin, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds:
        distance()
        count += 1
    return count / elapsed


rate(0.2)
print(rate(seconds))
