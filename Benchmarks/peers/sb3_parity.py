"""What stable-baselines3 learns on an entry of parity.json: ALGORITHM ENVIRONMENT SEED.

Prints the mean return of 20 deterministic episodes after the training.
"""

import json
import pathlib
import sys

import torch
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

torch.set_num_threads(1)
algorithm, name, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
entries = json.loads((pathlib.Path(__file__).parent / "parity.json").read_text())
entry = next(e for e in entries if e["algorithm"] == algorithm and e["environment"] == name)
kind = {"DQN": DQN, "PPO": PPO, "SAC": SAC}[algorithm]
env = make_vec_env(name, n_envs=entry["environments"], seed=seed)
model = kind(
    "MlpPolicy", env, seed=seed, device="cpu", policy_kwargs=dict(net_arch=entry["hidden"]), **entry["hyperparameters"]
)
model.learn(entry["steps"])
test = make_vec_env(name, n_envs=1, seed=10_000)
mean, _ = evaluate_policy(model, test, n_eval_episodes=20, deterministic=True)
print(mean)
