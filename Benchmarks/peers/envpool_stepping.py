"""Environment steps per second of EnvPool with random actions: ID ENVIRONMENTS THREADS SECONDS."""

import sys
import time

import envpool
import numpy as np

name, count, threads, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
env = envpool.make(name, env_type="gymnasium", num_envs=count, num_threads=threads, seed=0)
space, rng = env.action_space, np.random.default_rng(0)
if hasattr(space, "n"):
    batches = [rng.integers(space.n, size=count) for _ in range(16)]
else:
    batches = [rng.uniform(space.low, space.high, (count, *space.shape)).astype(space.dtype) for _ in range(16)]
env.reset()


def rate(seconds):
    begin, steps = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds:
        for actions in batches:
            env.step(actions)
        steps += len(batches) * count
    return steps / elapsed


rate(0.2)
print(rate(seconds))
