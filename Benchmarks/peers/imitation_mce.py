"""Soft plans with their occupancies per second by imitation: STATES ACTIONS HORIZON BRANCHING SECONDS."""

import sys
import time
from types import SimpleNamespace

import numpy as np
from imitation.algorithms.mce_irl import mce_occupancy_measures, mce_partition_fh

states, actions, horizon, branching = (int(text) for text in sys.argv[1:5])
seconds = float(sys.argv[5])
rng = np.random.default_rng(0)
transitions = np.zeros((states, actions, states))
for row in transitions.reshape(-1, states):
    cuts = np.sort(rng.uniform(size=branching - 1))
    row[rng.choice(states, branching, replace=False)] = np.diff(cuts, prepend=0, append=1)
env = SimpleNamespace(
    horizon=horizon,
    state_dim=states,
    action_dim=actions,
    transition_matrix=transitions,
    reward_matrix=rng.normal(size=states),
    initial_state_dist=np.full(states, 1 / states),
)


def rate(seconds):
    begin, plans = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds:
        _, _, policy = mce_partition_fh(env, discount=0.99)
        mce_occupancy_measures(env, pi=policy, discount=0.99)
        plans += 1
    return plans / elapsed


rate(0.2)
print(rate(seconds))
