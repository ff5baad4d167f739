"""One worker of the bridge to Gymnasium: holds some environments and steps them when it is told to.

Needs nothing but gymnasium and numpy. Its parent gives it open files: CHANNEL, a socket on which one byte asks for a
step and a line of JSON for anything else; LIFE, a connection that closes when the parent is gone; MEMORY, a file in
which observations, actions, rewards and flags are shared, all numbers as float64. Nothing is pickled.
"""

import base64
import copy
import enum
import fcntl
import gc
import importlib
import inspect
import json
import math
import mmap
import os
import re
import signal
import sys
import threading
import traceback

CHANNEL, LIFE, MEMORY = 3, 4, 5
STEP, DONE = b"s", b"."
SAVED_STATES = 4


class Refused(Exception):
    """What the parent reports as it stands, without the name of an exception."""


def die_with_parent():
    """The kernel ends this process and its children once LIFE has closed, whatever they are doing."""
    os.closerange(MEMORY + 1, 1 << 16)  # What the parent forgot to keep to itself.
    os.set_inheritable(CHANNEL, False)
    os.set_inheritable(LIFE, False)
    if sys.platform == "linux":
        # SIGIO ends a process even where the interpreter's lock is held by a loop in C that never returns.
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(LIFE, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(LIFE, fcntl.F_SETFL, fcntl.fcntl(LIFE, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
        try:
            if os.read(LIFE, 1) == b"":
                os._exit(1)
        except BlockingIOError:
            pass  # It is still open.
    else:
        def wait():
            os.read(LIFE, 1)
            os.killpg(0, signal.SIGKILL)

        threading.Thread(target=wait, daemon=True).start()


# --- Spaces ----------------------------------------------------------------------------------------------------------


def modern(space):
    """The Gymnasium space that an old gym space, or something that looks like one, stands for."""
    if isinstance(space, gym.Space):
        return space
    if hasattr(space, "spaces"):
        parts = space.spaces
        if hasattr(parts, "items"):
            return spaces.Dict({key: modern(part) for key, part in parts.items()})
        return spaces.Tuple([modern(part) for part in parts])
    if hasattr(space, "nvec"):
        return spaces.MultiDiscrete(space.nvec)
    if hasattr(space, "low") and hasattr(space, "high"):
        return spaces.Box(space.low, space.high, tuple(space.shape), space.dtype)
    if hasattr(space, "n"):
        return spaces.Discrete(int(space.n))
    raise Refused(f"has a space of the unknown kind {type(space).__name__}")


def identifier(key):
    word = re.sub(r"\W", "_", str(key))
    return word if word and not word[0].isdigit() else "_" + word


def parts(space, name):
    """The spaces inside a Dict or Tuple, with the name and the key of each; None for another space."""
    if isinstance(space, spaces.Dict):
        return [(part, f"{name}.{identifier(key)}" if name else identifier(key), key) for key, part in space.items()]
    if isinstance(space, spaces.Tuple):
        return [(part, f"{name or 'item'}_{index}", index) for index, part in enumerate(space.spaces)]
    return None


def is_text(space):
    # MiniGrid's missions are strings in a space of their own.
    return isinstance(space, spaces.Text) or space.dtype is str or space.dtype == np.dtype(str)


class Leaf:
    """A space that holds `width` numbers, of which the first is the `offset`-th of its observation or action."""

    def __init__(self, space, name, offset, role, text_length):
        self.space, self.name, self.offset = space, name, offset
        self.start, self.shape, self.is_float = 0, space.shape, False
        if isinstance(space, spaces.Box):
            self.kind, low, high = "Box", space.low, space.high
            self.is_float = np.issubdtype(space.dtype, np.floating)
        elif isinstance(space, spaces.Discrete):
            self.kind, self.start, self.shape, low, high = "Discrete", int(space.start), (), 0, int(space.n) - 1
        elif isinstance(space, spaces.MultiDiscrete):
            self.kind, low, high = "MultiDiscrete", np.zeros(self.shape), space.nvec - 1
            self.start = getattr(space, "start", 0)
        elif isinstance(space, spaces.MultiBinary):
            self.kind, low, high = "MultiBinary", np.zeros(self.shape), np.ones(self.shape)
        elif is_text(space) and role == "observation":
            longest = getattr(space, "max_length", text_length)
            self.kind, self.shape, low, high = "Text", (longest,), np.zeros(longest), np.full(longest, 255)
        else:
            where = f' in "{name}"' if name else ""
            raise Refused(
                f"has the {role} space {type(space).__name__}{where}, which holds no fixed number of numbers; "
                "wrap the environment so that it has Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple")
        self.width = int(np.prod(self.shape, dtype=np.int64))
        self.low = np.broadcast_to(np.asarray(low, np.float64), self.shape).ravel()
        self.high = np.broadcast_to(np.asarray(high, np.float64), self.shape).ravel()

    def description(self):
        return dict(
            name=self.name, kind=self.kind, shape=list(self.shape), dtype=str(self.space.dtype),
            start=np.asarray(self.start).ravel().tolist(), isFloat=bool(self.is_float),
            low=encoded(self.low), high=encoded(self.high))

    def refuse(self, value):
        where = f'the part "{self.name}" of the observation' if self.name else "the observation"
        raise Refused(f"returned {where} as {value}, which is not in its space {self.space}")

    def writer(self, numbers):
        """A function that writes an observation into `numbers`, this leaf's part of a row."""
        view, leaf, shape = numbers.reshape(self.shape), self, tuple(self.shape)
        if self.kind == "Discrete":
            item, start, count = memoryview(numbers), self.start, int(self.space.n)

            def write(value):
                value = int(value) - start
                if not 0 <= value < count:
                    leaf.refuse(value + start)
                item[0] = value
        elif self.kind == "Text":
            last = None

            def write(value):
                nonlocal last
                if value is last:
                    return
                text = value.encode()
                if len(text) > leaf.width:
                    raise Refused(
                        f'returned a text of {len(text)} bytes in "{leaf.name}", where {leaf.width} fit; '
                        "allow a longer one (textLength)")
                numbers[:] = 0
                numbers[:len(text)] = np.frombuffer(text, np.uint8)
                last = value
        else:
            start = np.asarray(self.start) if np.any(self.start) else None

            def write(value):
                value = np.asarray(value)
                if value.shape != shape:
                    leaf.refuse(f"an array of shape {value.shape}")
                view[...] = value if start is None else value - start
        return write

    def reader(self, numbers):
        """A function that makes an action of the numbers in `numbers`, this leaf's part of a row."""
        view, dtype = numbers.reshape(self.shape), self.space.dtype
        if self.kind == "Discrete":
            item, make, start, last = memoryview(numbers), np.dtype(dtype).type, self.start, int(self.space.n) - 1
            return lambda: make(start + min(max(round(item[0]), 0), last))
        if self.kind == "MultiDiscrete":
            last, start = np.asarray(self.space.nvec) - 1, np.asarray(self.start)
            return lambda: (np.clip(np.rint(view), 0, last) + start).astype(dtype)
        if self.kind == "MultiBinary":
            return lambda: (view > 0.5).astype(dtype)
        if self.is_float:
            return lambda: view.astype(dtype)
        return lambda: np.clip(np.rint(view), self.space.low, self.space.high).astype(dtype)


class Layout:
    """How the observations or actions of a space lie in a row of numbers."""

    def __init__(self, space, role, text_length, kept=None):
        self.space, self.leaves, self.by_name = space, [], {}
        self.role, self.text_length, self.kept, self.width = role, text_length, kept, 0
        self.collect(space, "")
        if not self.leaves:
            raise Refused(f"has no part of its {role} space left" if kept else f"has an empty {role} space")

    def collect(self, space, name):
        inside = parts(space, name)
        if inside is not None:
            for part, inner, _ in inside:
                self.collect(part, inner)
        elif self.keeps(name):
            leaf = Leaf(space, name, self.width, self.role, self.text_length)
            if name in self.by_name:
                raise Refused(f'has two parts of its {self.role} space that are both called "{name}" as a field')
            self.by_name[name] = leaf
            self.leaves.append(leaf)
            self.width += leaf.width

    def keeps(self, name):
        return self.kept is None or any(name == kept or name.startswith(kept + ".") for kept in self.kept)

    def numbers(self, leaf, row):
        return row[leaf.offset:leaf.offset + leaf.width]

    def writer(self, row, space=None, name=""):
        """A function that writes an observation into `row`; None where nothing of it is kept."""
        space = self.space if space is None else space
        inside = parts(space, name)
        if inside is None:
            return self.by_name[name].writer(self.numbers(self.by_name[name], row)) if name in self.by_name else None
        writers = [(key, self.writer(row, part, inner)) for part, inner, key in inside]
        writers = [(key, write) for key, write in writers if write]
        if not writers:
            return None

        def write_all(value):
            for key, write in writers:
                write(value[key])
        return write_all

    def reader(self, row, space=None, name=""):
        space = self.space if space is None else space
        inside = parts(space, name)
        if inside is None:
            return self.by_name[name].reader(self.numbers(self.by_name[name], row))
        readers = [(key, self.reader(row, part, inner)) for part, inner, key in inside]
        if isinstance(space, spaces.Dict):
            return lambda: {key: read() for key, read in readers}
        return lambda: tuple(read() for _, read in readers)

    def description(self):
        return dict(isNested=parts(self.space, "") is not None, leaves=[leaf.description() for leaf in self.leaves])


def encoded(numbers):
    return base64.b64encode(np.ascontiguousarray(numbers, "<f8").tobytes()).decode()


# --- Environments ----------------------------------------------------------------------------------------------------


def old_gym():
    class OldGym(gym.Env):
        """An environment with gym's older interface: `reset()` returns an observation, `step` four values."""

        def __init__(self, make, arguments):
            self.make, self.arguments = make, arguments
            self.takes_seed = "seed" in inspect.signature(make).parameters
            self.inner = make(**arguments)
            self.observation_space = modern(self.inner.observation_space)
            self.action_space = modern(self.inner.action_space)

        @property
        def unwrapped(self):
            return self.inner

        def reset(self, *, seed=None, options=None):
            if seed is not None:
                if callable(getattr(self.inner, "seed", None)):
                    self.inner.seed(seed)
                elif self.takes_seed:
                    self.inner = self.make(**{**self.arguments, "seed": seed})
            outcome = self.inner.reset()
            return outcome if isinstance(outcome, tuple) and len(outcome) == 2 else (outcome, {})

        def step(self, action):
            outcome = self.inner.step(action)
            if len(outcome) == 5:
                return outcome
            observation, reward, done, info = outcome
            # Crafter says with a discount of 1 that an episode ended without a terminal state.
            cut = done and (info.get("TimeLimit.truncated", False) or info.get("discount", 0) == 1)
            return observation, reward, done and not cut, bool(cut), info

        def close(self):
            if callable(getattr(self.inner, "close", None)):
                self.inner.close()

    return OldGym


def attribute(text, what):
    module, _, name = text.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        raise Refused(f'could not be made: {what} "{text}" is not there; the module {module} has no {name}') from None


def make(request):
    name, arguments = request["id"], dict(request["arguments"])
    module, _, entry = name.rpartition(":")
    if module:
        importlib.import_module(module)
    if module and entry not in gym.registry and callable(getattr(sys.modules[module], entry, None)):
        env = getattr(sys.modules[module], entry)
        env = env(**arguments) if inspect.isclass(env) and issubclass(env, gym.Env) else old_gym()(env, arguments)
    else:
        limit = request.get("maxEpisodeSteps")
        env = gym.make(name, max_episode_steps=limit, disable_env_checker=True, **arguments)
    for wrapper in request["wrappers"]:
        env = attribute(wrapper, "the wrapper")(env)
    return env


def declared_limit(env):
    """The longest episode, as Gymnasium's time limit or the environment's own attributes tell; None if nothing does."""
    known = [getattr(getattr(env, "spec", None), "max_episode_steps", None)]
    names = ("max_steps", "max_episode_steps", "_max_episode_steps", "max_path_length", "_length")
    known += [getattr(env.unwrapped, name, None) for name in names]
    return next((int(limit) for limit in known if isinstance(limit, (int, np.integer)) and limit > 0), None)


def choices(env, count):
    """What the discrete actions are called, where the environment tells."""
    inner = env.unwrapped
    for name in ("get_action_meanings", "action_names", "actions", "_actions"):
        found = getattr(inner, name, None)
        try:
            found = found() if callable(found) and not inspect.isclass(found) else found
            if found is not None and len(found) == count:
                return [item.name if isinstance(item, enum.Enum) else str(item) for item in found]
        except TypeError:
            continue
    return []


def summary(env):
    """The first paragraph of text in the environment's documentation."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(type(env.unwrapped).__doc__ or "")):
        lines = [line.strip() for line in paragraph.splitlines() if not line.lstrip().startswith(("#", "!", "<", "."))]
        text = " ".join(line for line in lines if line)
        if len(text.split()) > 3:
            return text[:600]
    return ""


class Copy:
    """One of the copies of the environment, with its part of the shared memory."""

    def __init__(self, index, request, layouts):
        self.index, self.env = index, make(request)
        self.info, self.has_ended, self.steps = {}, False, 0
        self.layouts = layouts or (
            Layout(self.env.observation_space, "observation", request["textLength"], request.get("observing")),
            Layout(self.env.action_space, "action", request["textLength"]))
        self.saved = {}

    def attach(self, memory, plan):
        seen, done = self.layouts
        row = self.index
        self.write = seen.writer(memory["observations"][row])
        self.write_final = seen.writer(memory["finals"][row])
        self.read = done.reader(memory["actions"][row])
        self.rewards, self.terminated, self.truncated = memory["rewards"], memory["terminated"], memory["truncated"]
        self.infos = memory["infos"][row]
        self.info_names, self.limit, self.mode = plan["info"], plan["limit"], plan["mode"]

    def reset(self, seed=None, options=None):
        observation, self.info = self.env.reset(seed=seed, options=options)
        self.write(observation)
        self.has_ended, self.steps = False, 0

    def clear(self):
        self.rewards[self.index], self.terminated[self.index], self.truncated[self.index] = 0, 0, 0

    def step(self):
        if self.has_ended and self.mode == "NextStep":
            self.reset()
            self.clear()
            return
        observation, reward, terminated, truncated, info = self.env.step(self.read())
        self.steps += 1
        ended_by_limit = self.steps >= self.limit
        i = self.index
        self.rewards[i] = reward
        self.terminated[i] = bool(terminated)
        self.truncated[i] = bool(truncated) or ended_by_limit
        self.info = info
        for k, name in enumerate(self.info_names):
            self.infos[k] = info.get(name, math.nan)
        if terminated or truncated or ended_by_limit:
            if self.mode == "SameStep":
                self.write_final(observation)
                self.reset()
                self.info = {**self.info, "final_info": info}
                return
            self.has_ended = True
        self.write(observation)

    def save(self, token):
        try:
            self.saved[token] = copy.deepcopy((self.env, self.info, self.has_ended, self.steps))
        except Exception:
            return False
        while len(self.saved) > SAVED_STATES:
            del self.saved[next(iter(self.saved))]
        return True

    def restore(self, token):
        if token not in self.saved:
            raise Refused(f"no longer has the state that is to be restored: a copy keeps its last {SAVED_STATES}")
        self.env, self.info, self.has_ended, self.steps = copy.deepcopy(self.saved[token])


def plain(value):
    """The same in JSON's terms: numbers that are not finite become strings, unknown objects their text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


# --- The conversation ------------------------------------------------------------------------------------------------


class Worker:
    def __init__(self):
        self.copies, self.running = [], None

    def make(self, request):
        sys.path[:0] = request["folders"]
        layouts = None
        for index in range(request["first"], request["first"] + request["count"]):
            self.running = index
            self.copies.append(Copy(index, request, layouts))
            layouts = self.copies[0].layouts
        self.running = None
        env, (seen, done) = self.copies[0].env, layouts
        named = done.leaves[0].kind == "Discrete" and len(done.leaves) == 1
        return dict(
            observation=seen.description(), action=done.description(), limit=declared_limit(env), summary=summary(env),
            choices=choices(env, int(done.leaves[0].space.n)) if named else [])

    def attach(self, plan):
        shared = mmap.mmap(MEMORY, plan["bytes"])
        os.close(MEMORY)
        count, memory = plan["count"], {}
        for name, width in plan["columns"].items():
            size = count * width
            memory[name] = np.frombuffer(shared, np.float64, size, plan["offsets"][name]).reshape(count, width)
        memory["rewards"] = memoryview(memory["rewards"].reshape(count))
        for name in ("terminated", "truncated"):
            memory[name] = memoryview(np.frombuffer(shared, np.uint8, count, plan["offsets"][name]))
        for one in self.copies:
            one.attach(memory, plan)
        # What is here now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        if not os.environ.get("GUERDON_BRIDGE_OUTPUT"):
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
        return {}

    def reset(self, request):
        for one in self.copies:
            if one.index in request["seeds"]:
                self.running = one.index
                one.reset(request["seeds"][one.index], request["options"])
                one.clear()
        return {}

    def step(self):
        for one in self.copies:
            self.running = one.index
            one.step()

    def info(self, request):
        return dict(infos=[plain(one.info) for one in self.copies])

    def save(self, request):
        return dict(saved=[one.save(request["token"]) for one in self.copies])

    def restore(self, request):
        for one, token in zip(self.copies, request["tokens"][self.copies[0].index:]):
            self.running = one.index
            one.restore(token)
            one.clear()
        return {}

    def close(self, request):
        for one in self.copies:
            one.env.close()
        return {}

    def answer(self, line):
        request = json.loads(line)
        if request.get("seeds") is not None:
            request["seeds"] = {int(index): seed for index, seed in request["seeds"].items()}
        return getattr(self, request["do"])(request)


def complaint(error, running):
    """One exception in one sentence: what ends its traceback, and the place where it was raised."""
    if isinstance(error, Refused):
        return dict(kind="refused", message=str(error), environment=running)
    kind, text = type(error), re.sub(r"\x1b\[[0-9;]*m", "", " ".join(str(error).split()))[:600]
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename not in ("<stdin>", "<string>")]
    place = f"{os.path.basename(frames[-1].filename)}, line {frames[-1].lineno}" if frames else None
    return dict(
        kind="import" if isinstance(error, ImportError) else "raised", message=f"{name}: {text}" if text else name,
        environment=running, place=place)


def send(message):
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(CHANNEL, data):]


def converse():
    worker = Worker()
    while True:
        request = os.read(CHANNEL, 1)
        try:
            if request == STEP:
                worker.step()
                os.write(CHANNEL, DONE)
                continue
            while request and not request.endswith(b"\n"):
                request += os.read(CHANNEL, 65536)
            if not request:
                os._exit(0)
            reply = worker.answer(request)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(1)
        except BaseException as error:
            reply = dict(error=complaint(error, worker.running))
        send(reply)
        worker.running = None


die_with_parent()
try:
    import gymnasium as gym
    import numpy as np
    from gymnasium import spaces
except ImportError as error:
    send(dict(error=dict(kind="missing", message=str(error), environment=None)))
else:
    gym.logger.min_level = gym.logger.ERROR
    converse()
