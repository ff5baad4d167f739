"""Environment steps per second of stable-baselines3's SAC, one update a step: ID STEPS."""

import sys
import time

import torch
from stable_baselines3 import SAC
from stable_baselines3.common.env_util import make_vec_env

torch.set_num_threads(2)
name, steps = sys.argv[1], int(sys.argv[2])
model = SAC("MlpPolicy", make_vec_env(name, n_envs=1, seed=0), seed=0, device="cpu")
model.learn(300)
begin = time.perf_counter()
model.learn(steps, reset_num_timesteps=False)
print(steps / (time.perf_counter() - begin))
