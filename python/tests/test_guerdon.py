"""Tests of the package; `make test` runs them with the pinned Python."""

import gc
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import gymnasium
import numpy as np

import guerdon

EUREKA = """
import torch
from typing import Dict, Tuple

@torch.jit.script
def compute_reward(obs: torch.Tensor, action: torch.Tensor, goal: torch.Tensor) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    distance = torch.norm(obs[:, :3] - goal, dim=-1)
    temperature: float = 0.5
    reach = torch.exp(-distance / temperature)
    effort = -0.1 * torch.sum(action ** 2, dim=-1)
    return reach + effort, {"reach": reach, "effort": effort}
"""

NUMPY = """
import numpy as np

def compute_dense_reward(self, action, obs):
    distance = np.linalg.norm(self.robot.tip - obs[:3])
    if distance < 0.5:
        return 1.0 - np.tanh(distance)
    return -distance - 0.01 * np.sum(np.square(action))
"""

PENDULUM = """
import numpy as np

def compute_reward(next_obs, action):
    upright = next_obs[0]
    calm = -0.1 * next_obs[2] ** 2
    effort = -0.001 * action[0] ** 2
    return upright + calm + effort, {"upright": upright, "calm": calm, "effort": effort}
"""


def in_cpython(source, name, *arguments):
    """The same file, run by this interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "program.py"
        path.write_text(source)
        specification = importlib.util.spec_from_file_location("program", path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return getattr(module, name)(*arguments)


class Evaluation(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(0)

    def test_equals_the_same_file_under_torch(self):
        import torch

        batch = {name: self.random.normal(size=(3000, size)) for name, size in [("obs", 5), ("action", 2), ("goal", 3)]}
        found = guerdon.Program(EUREKA).evaluate(batch)
        total, terms = in_cpython(
            EUREKA, "compute_reward", *(torch.tensor(batch[n], dtype=torch.float32) for n in ("obs", "action", "goal"))
        )
        np.testing.assert_allclose(found.reward, total.numpy(), rtol=1e-5, atol=1e-6)
        self.assertEqual(list(found.terms), ["reach", "effort"])
        for name, values in terms.items():
            np.testing.assert_allclose(found.terms[name], values.numpy(), rtol=1e-5, atol=1e-6)

    def test_equals_the_same_file_under_numpy(self):
        class Robot:
            pass

        class Self:
            robot = Robot()

        program = guerdon.Program(NUMPY)
        for _ in range(50):
            tip, action, obs = self.random.normal(size=3), self.random.normal(size=2), self.random.normal(size=4)
            Self.robot.tip = tip
            found = program.evaluate({"self.robot.tip": tip, "action": action, "obs": obs}, single=True)
            self.assertAlmostEqual(found.reward, in_cpython(NUMPY, "compute_dense_reward", Self, action, obs), places=9)

    def test_any_dtype_and_strides_are_read_in_place(self):
        base = self.random.normal(size=(40, 10))
        program = guerdon.Program("def reward(x):\n    return x[0] + 2 * x[1] + 4 * x[2]\n")
        for array in [
            base[:, 2:5],
            base[::-1, 2:5],
            np.asfortranarray(base)[::2, 5:2:-1],
            base.astype(np.float32)[:, :3],
            (base * 10).astype(np.int64)[:, :3],
            (base * 10).astype(np.int32)[:, :3],
            np.abs(base * 10).astype(np.uint8)[:, :3],
            base[:, :3] > 0,
            base.astype(np.float16)[:, :3],
        ]:
            exact = array.astype(np.float64)
            expected = exact[:, 0] + 2.0 * exact[:, 1] + 4.0 * exact[:, 2]
            np.testing.assert_allclose(program.evaluate({"x": array}).reward, expected, rtol=1e-12)

    def test_fitness_of_an_episode(self):
        program = guerdon.Program("def fitness(x):\n    return x.mean() + x[-1]\n", kind="fitness")
        x = self.random.normal(size=777)
        self.assertAlmostEqual(program.evaluate({"x": x}).reward, x.mean() + x[-1], places=12)

    def test_numbers_and_limits_are_shared(self):
        program = guerdon.Program(
            "def compute_reward(x: torch.Tensor, limits: torch.Tensor, dt, n):\n"
            "    total = torch.zeros_like(x[:, 0])\n"
            "    for i in range(n):\n"
            "        total += (x[:, i] / limits[i]) * dt\n"
            "    return total\n"
        )
        x, limits = self.random.normal(size=(16, 3)), np.array([1.0, 2.0, 4.0])
        found = program.evaluate({"x": x, "limits": limits, "dt": 0.5, "n": 3})
        np.testing.assert_allclose(found.reward, (x / limits).sum(1) * 0.5, rtol=1e-5)

    def test_threads_share_a_program(self):
        program = guerdon.Program("def reward(x):\n    return x[0] * x[1]\n")
        x = self.random.normal(size=(5000, 2))
        failures = []

        def work():
            for _ in range(50):
                if not np.array_equal(program.evaluate({"x": x}).reward, x[:, 0] * x[:, 1]):
                    failures.append(1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_a_schema_checks_at_once(self):
        with self.assertRaisesRegex(guerdon.GuerdonError, "speeed"):
            guerdon.Program("def reward(speeed):\n    return speeed\n", schema={"fields": [{"name": "speed"}]})
        program = guerdon.Program(
            "def reward(speed):\n    return 1.0 / speed\n", schema={"fields": [{"name": "speed", "low": -1, "high": 1}]}
        )
        self.assertEqual([d["code"] for d in program.diagnostics if "division" in d["code"]], ["division-by-zero"])
        np.testing.assert_array_equal(program.evaluate({"speed": np.array([0.5, -0.25])}).reward, [2.0, -4.0])

    def test_memory_stays_flat(self):
        import resource

        x = np.ones((64, 3))

        def use(count):
            for i in range(count):
                guerdon.Program(f"def reward(x):\n    return x[0] * {i}.5\n").evaluate({"x": x})

        use(50)
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        use(1500)
        gc.collect()
        self.assertLess(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 30_000)  # KiB


class Errors(unittest.TestCase):
    def message(self, source, batch, **options):
        with self.assertRaises(guerdon.GuerdonError) as caught:
            guerdon.Program(source, **options).evaluate(batch)
        return str(caught.exception)

    def test_diagnostics_have_line_and_caret(self):
        text = self.message("def reward(x):\n    return xx\n", {"x": np.ones(3)})
        self.assertIn("2:12", text)
        self.assertIn("^", text)

    def test_missing_inputs_and_wrong_shapes(self):
        source = "def reward(x, y):\n    return x + y\n"
        self.assertIn('"y"', self.message(source, {"x": np.ones(3)}))
        schema = {"fields": [{"name": "x", "shape": [2]}]}
        self.assertIn("[3, 4]", self.message("def reward(x):\n    return x[0]\n", {"x": np.ones((3, 4))}, schema=schema))
        self.assertIn('"x"', self.message("def reward(x):\n    return x[0]\n", {"x": "text"}, schema=schema))

    def test_a_bad_schema_and_a_bad_kind(self):
        for schema in [{}, {"fields": 3}, {"fields": [{"shape": [1]}]}, {"fields": [{"name": "x", "shape": [-1]}]}]:
            with self.assertRaises(guerdon.GuerdonError):
                guerdon.Program("def reward(x):\n    return x\n", schema=schema)
        with self.assertRaises(ValueError):
            guerdon.Program("", kind="both")

    def test_binary_sources(self):
        for source in [b"\xff\xfe\x00", b"\x00" * 100, b""]:
            with self.assertRaises(guerdon.GuerdonError):
                guerdon.Program(source).evaluate({"x": np.ones(3)})

    def test_a_missing_library_is_said(self):
        code = "import guerdon"
        environment = {**os.environ, "GUERDON_REWARD_LIBRARY": "/nowhere/lib.so"}
        result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        self.assertIn("make python", result.stderr)


class Wrapper(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name) / "reward.py"
        self.path.write_text(PENDULUM)

    def test_pays_the_programs_reward(self):
        env = guerdon.RewardWrapper(gymnasium.make("Pendulum-v1"), self.path)
        plain = gymnasium.make("Pendulum-v1")
        env.reset(seed=3)
        plain.reset(seed=3)
        for _ in range(100):
            action = plain.action_space.sample()
            observation, reward, _, _, info = env.step(action)
            _, paid, _, _, _ = plain.step(action)
            expected, terms = in_cpython(PENDULUM, "compute_reward", observation.astype(np.float64), action)
            self.assertAlmostEqual(reward, float(expected), places=5)
            self.assertAlmostEqual(info["environment_reward"], float(paid))
            self.assertEqual(set(info["reward_terms"]), set(terms))

    def test_reads_info_attributes_and_extra_inputs(self):
        self.path.write_text(
            "def compute_reward(self, obs, next_obs, environment_reward, extra):\n"
            "    return obs[0] + self.max_torque + extra * next_obs[1] + 0.0 * environment_reward\n"
        )
        env = guerdon.RewardWrapper(
            gymnasium.make("Pendulum-v1"), self.path, inputs={"extra": lambda env: env.unwrapped.g}
        )
        before, _ = env.reset(seed=0)
        after, reward, _, _, _ = env.step(np.array([0.5], dtype=np.float32))
        self.assertAlmostEqual(reward, before[0] + 2.0 + 10.0 * after[1], places=4)

    def test_dictionary_observations(self):
        class Reach(gymnasium.Env):
            observation_space = gymnasium.spaces.Dict(
                {"tip": gymnasium.spaces.Box(-1, 1, (2,)), "goal": gymnasium.spaces.Box(-1, 1, (2,))}
            )
            action_space = gymnasium.spaces.Box(-1, 1, (2,))

            def reset(self, *, seed=None, options=None):
                super().reset(seed=seed)
                self.tip = np.zeros(2, np.float32)
                return {"tip": self.tip, "goal": np.ones(2, np.float32)}, {}

            def step(self, action):
                self.tip += action  # In place: the wrapper must have kept the old values.
                return {"tip": self.tip, "goal": np.ones(2, np.float32)}, 0.0, False, False, {"steps": 1}

        self.path.write_text(
            "def reward(tip, next_tip, next_goal, steps):\n"
            "    return np.linalg.norm(tip - next_goal) - np.linalg.norm(next_tip - next_goal) + steps\n"
        )
        env = guerdon.RewardWrapper(Reach(), self.path)
        env.reset(seed=0)
        _, reward, _, _, _ = env.step(np.array([0.5, 0.5], np.float32))
        self.assertAlmostEqual(reward, 1 + np.sqrt(2) - np.sqrt(0.5), places=5)

    def test_a_reward_that_is_no_number_is_an_error(self):
        self.path.write_text("def reward(action):\n    return np.log(-1.0 - action[0] ** 2)\n")
        env = guerdon.RewardWrapper(gymnasium.make("Pendulum-v1"), self.path)
        env.reset(seed=0)
        with self.assertRaisesRegex(guerdon.GuerdonError, "nan"):
            env.step(np.array([0.5], dtype=np.float32))

    def test_stable_baselines3_learns_through_it(self):
        """PPO learns the program's goal, which is the opposite of the environment's: a pendulum that hangs."""
        try:
            from stable_baselines3 import PPO
            from stable_baselines3.common.monitor import Monitor
        except ImportError:
            self.skipTest("stable-baselines3 is not installed here; make bench sets it up")
        self.path.write_text("def reward(next_obs):\n    return -next_obs[0], {'hanging': -next_obs[0]}\n")

        def hanging(model):
            env = guerdon.RewardWrapper(gymnasium.make("Pendulum-v1"), self.path)
            total = 0.0
            for seed in range(5):
                obs, _ = env.reset(seed=seed)
                for _ in range(200):
                    action = env.action_space.sample() if model is None else model.predict(obs, deterministic=True)[0]
                    obs, reward, _, _, _ = env.step(action)
                    total += reward / 1000
            return total

        before = hanging(None)
        for seed in range(2):
            env = Monitor(guerdon.RewardWrapper(gymnasium.make("Pendulum-v1"), self.path))
            model = PPO("MlpPolicy", env, seed=seed, n_steps=1024, gamma=0.9, learning_rate=1e-3, device="cpu")
            model.learn(20_000)
            self.assertGreater(hanging(model), before + 0.2)


if __name__ == "__main__":
    unittest.main()
