"""Environment steps per second of stable-baselines3's PPO, end to end: ID STEPS."""

import sys
import time

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv

torch.set_num_threads(2)
name, steps = sys.argv[1], int(sys.argv[2])
# In one process: on two cores this is faster than a process an environment.
env = make_vec_env(name, n_envs=8, seed=0, vec_env_cls=DummyVecEnv)
model = PPO("MlpPolicy", env, n_steps=256, batch_size=64, n_epochs=10, seed=0, device="cpu")
model.learn(2048)
begin = time.perf_counter()
model.learn(steps, reset_num_timesteps=False)
print(steps / (time.perf_counter() - begin))
