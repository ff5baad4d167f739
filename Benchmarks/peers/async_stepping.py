"""Environment steps per second of Gymnasium's AsyncVectorEnv on MiniGrid with random actions: ID WORKERS SECONDS.

The quickest way it has: images in shared memory (MiniGrid's missions cannot be shared), and no environment checker.
"""

import sys
import time

import gymnasium as gym
import minigrid  # noqa: F401, registers the environments
import numpy as np
from gymnasium.vector import AsyncVectorEnv
from minigrid.wrappers import ImgObsWrapper

name, workers, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])


def make():
    return ImgObsWrapper(gym.make(name, disable_env_checker=True))


def rate(env, batches, seconds):
    begin, steps = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds:
        for actions in batches:
            env.step(actions)
        steps += len(batches) * workers
    return steps / elapsed


if __name__ == "__main__":
    env = AsyncVectorEnv([make] * workers)
    rng = np.random.default_rng(0)
    batches = [rng.integers(env.single_action_space.n, size=workers) for _ in range(16)]
    env.reset(seed=0)
    rate(env, batches, 0.5)
    print(rate(env, batches, seconds))
    env.close()
