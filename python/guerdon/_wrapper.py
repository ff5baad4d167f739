"""A Gymnasium wrapper that pays the reward of a program."""

from typing import Callable, Mapping, Optional, Union

import gymnasium
import numpy as np

from guerdon._library import GuerdonError
from guerdon._program import Program, load


class RewardWrapper(gymnasium.Wrapper, gymnasium.utils.RecordConstructorArgs):
    """Replaces an environment's reward by a reward program's.

    The program may read, by name:

    - obs, next_obs: the observation before and after the step; of a Dict space also every entry, as key and next_key
    - action, terminated, truncated, environment_reward
    - every number or array in the step's info
    - attributes of the unwrapped environment, spelled self.name or self.robot.name (numbers and arrays only; nothing is
      called)
    - whatever `inputs` adds: functions of the environment, by name or by the path that the program writes

    `step` returns the program's reward; info["reward_terms"] holds its terms, info["environment_reward"] what the
    environment paid.

    Raises GuerdonError at the first step of a program that does not compile or reads what is not there, and at a reward
    that is not a finite number.
    """

    def __init__(
        self,
        env: gymnasium.Env,
        program: Union[str, Program],
        inputs: Optional[Mapping[str, Callable[[gymnasium.Env], object]]] = None,
    ):
        gymnasium.utils.RecordConstructorArgs.__init__(self, program=program, inputs=inputs)
        gymnasium.Wrapper.__init__(self, env)
        self.program = program if isinstance(program, Program) else load(program)
        if self.program.kind != "reward":
            raise ValueError("a fitness is measured per episode and cannot be a step's reward")
        self._inputs = dict(inputs or {})
        self._paths = _attribute_paths(self.program.source)
        self._previous = None

    def reset(self, *, seed=None, options=None):
        observation, info = self.env.reset(seed=seed, options=options)
        self._previous = _copied(observation)
        return observation, info

    def step(self, action):
        observation, paid, terminated, truncated, info = self.env.step(action)
        values = {
            "action": action,
            "terminated": float(terminated),
            "truncated": float(truncated),
            "environment_reward": float(paid),
        }
        for name, value in info.items():
            if _is_numeric(value):
                values.setdefault(name, value)
        for prefix, value in (("", self._previous), ("next_", observation)):
            if isinstance(value, Mapping):
                values.update({prefix + key: entry for key, entry in value.items()})
            else:
                values[prefix + "obs"] = value
        for path in self._paths:
            value = _resolve(self.env.unwrapped, path)
            if _is_numeric(value):
                values["self." + ".".join(path)] = value
        for name, function in self._inputs.items():
            values[name] = function(self.env)
        result = self.program.evaluate(values, single=True)
        if not np.isfinite(result.reward):
            terms = ", ".join(f"{name} = {value}" for name, value in result.terms.items())
            raise GuerdonError(f"the reward is {result.reward}{': ' + terms if terms else ''}")
        self._previous = _copied(observation)
        info = {**info, "reward_terms": result.terms, "environment_reward": float(paid)}
        return observation, result.reward, terminated, truncated, info


def _copied(observation):
    """Environments may write the next observation over the last one."""
    if isinstance(observation, Mapping):
        return {key: _copied(value) for key, value in observation.items()}
    return np.array(observation)


def _is_numeric(value):
    return isinstance(value, (bool, int, float, np.number, np.bool_)) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    )


def _attribute_paths(source):
    """Attribute paths on self in a program: [("robot", "qpos"), …], without private names."""
    import ast

    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []  # The compiler says what is wrong.
    paths = set()
    for node in ast.walk(tree):
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id == "self" and parts and not any(p.startswith("_") for p in parts):
            parts.reverse()
            paths.add(tuple(parts))
    return sorted(paths)


def _resolve(target, path):
    for name in path:
        target = getattr(target, name, None)
        if target is None or callable(target):
            return None
    return target
