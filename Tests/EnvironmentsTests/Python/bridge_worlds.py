"""Environments that the tests of the bridge make: every kind of space, and every kind of trouble."""

import os
import signal
import sys
import time

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class AllSpaces(gym.Env):
    """A world with every space. What it shows depends on a seed and on all actions so far."""

    observation_space = spaces.Dict({
        "image": spaces.Box(0, 255, (4, 5, 3), np.uint8),
        "robot": spaces.Dict({
            "gripper pose": spaces.Box(-np.inf, np.inf, (2,), np.float32),
            "mode": spaces.Discrete(5, start=-2),
        }),
        "counts": spaces.MultiDiscrete([3, 4, 5]),
        "grid": spaces.MultiDiscrete(np.array([[3, 4], [5, 6]])),
        "lights": spaces.MultiBinary([2, 3]),
        "pair": spaces.Tuple([spaces.Discrete(7), spaces.Box(-10, 10, (), np.float64)]),
        "word": spaces.Text(12),
        "large": spaces.Box(-(2**40), 2**40, (2,), np.int64),
        "action": spaces.Box(-1e9, 1e9, (1,), np.float64),
    })
    action_space = spaces.Dict({
        "choice": spaces.Discrete(4, start=3),
        "push": spaces.Box(-1, 1, (2, 2), np.float32),
        "whole": spaces.Box(-3, 3, (2,), np.int32),
        "switches": spaces.MultiBinary(3),
        "both": spaces.Tuple([spaces.MultiDiscrete([2, 6]), spaces.Discrete(2)]),
    })

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sum, self.steps, self.start = 0.0, 0, (options or {}).get("start", 0)
        return self.show(), {"start": self.start}

    def show(self):
        draw = self.np_random
        return {
            "image": draw.integers(0, 256, (4, 5, 3), dtype=np.uint8),
            "robot": {
                "gripper pose": draw.normal(size=2).astype(np.float32),
                "mode": np.int64(draw.integers(-2, 3)),
            },
            "counts": draw.integers(0, [3, 4, 5]),
            "grid": draw.integers(0, [[3, 4], [5, 6]]),
            "lights": draw.integers(0, 2, (2, 3), dtype=np.int8),
            "pair": (int(draw.integers(7)), np.asarray(self.sum % 10)),
            "word": "abcdefghijkl"[: draw.integers(1, 13)],
            "large": draw.integers(-(2**40), 2**40, 2),
            "action": np.array([self.sum + self.start]),
        }

    def step(self, action):
        assert action in self.action_space, f"{action} is not in the action space"
        self.steps += 1
        self.sum += action["choice"] + 10 * action["push"].astype(np.float64)[0, 1] + 100 * action["whole"][1]
        self.sum += 1000 * int(action["switches"][2]) + 1e4 * action["both"][0][1] + 1e5 * action["both"][1]
        ends = self.np_random.random()
        info = {"sum": self.sum, "steps": np.int64(self.steps)}
        if self.steps % 2:
            info["odd"] = True
        return self.show(), self.sum / 7, bool(ends < 0.1), bool(ends > 0.9), info


class Trouble(gym.Env):
    """Fails in its third step (or where `where` says) in the way that `kind` names."""

    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, kind="none", where="step", marker=None):
        self.kind, self.where, self.steps = kind, where, 0
        if where == "init":
            self.fail()

    def fail(self):
        observation = np.zeros(2, np.float32)
        if self.kind == "raise":
            raise ValueError("the gripper\nis stuck")
        if self.kind == "exit":
            os._exit(3)
        if self.kind == "abort":
            print("last words", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.kind == "hang":
            time.sleep(1000)
        if self.kind == "busy":
            sum(range(10**12))
        if self.kind == "child":
            if os.fork() == 0:
                time.sleep(1000)
        if self.kind == "nan":
            observation[1] = np.nan
        if self.kind == "shape":
            observation = np.zeros((1, 2), np.float32)
        if self.kind == "noise":
            print('{"error": {}}', flush=True)
        return observation

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return (self.fail() if self.where == "reset" else np.zeros(2, np.float32)), {}

    def step(self, action):
        self.steps += 1
        observation = self.fail() if self.steps == 3 else np.zeros(2, np.float32)
        return observation, float("nan") if self.kind == "reward" and self.steps == 3 else 1.0, False, False, {}


class Uncopyable(Trouble):
    """Cannot be copied."""

    def __deepcopy__(self, memo):
        raise TypeError("no copies")


class OldWorld:
    """An environment with the interface of gym before 0.26, whose spaces only look like gym's."""

    class observation_space:
        low, high, shape, dtype = np.zeros(3), np.ones(3), (3,), np.float64

    class action_space:
        n = 3

    def __init__(self, length=5, seed=None):
        self.length, self.draw = length, np.random.default_rng(seed)

    def reset(self):
        self.steps = 0
        return self.draw.random(3)

    def step(self, action):
        self.steps += 1
        done = self.steps >= self.length
        return self.draw.random(3), float(action), done, {"TimeLimit.truncated": done and self.length == 7}


class Growing(gym.Env):
    """Has an observation without a fixed size."""

    observation_space = spaces.Dict({"items": spaces.Sequence(spaces.Discrete(3))})
    action_space = spaces.Discrete(2)


class Doubled(gym.ObservationWrapper):
    """Doubles what is seen."""

    def observation(self, observation):
        return observation * 2


gym.register("AllSpaces-v0", AllSpaces, max_episode_steps=15)
gym.register("Trouble-v0", Trouble, max_episode_steps=50)
gym.register("Endless-v0", Trouble)
gym.register("Uncopyable-v0", Uncopyable)
gym.register("Growing-v0", Growing)
