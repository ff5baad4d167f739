"""Transitions per second of a reward program in CPython: FILE MODE ROWS, where MODE is torch, jit or numpy.

MODE compile prints how many times a second the file can be loaded and scripted.
"""

import importlib.util
import inspect
import sys
import time

import numpy as np

path, mode, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
if mode == "torch":
    import torch

    torch.jit.script = lambda function: function  # The same file, not scripted.
if mode == "compile":
    import torch

    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < 2:
        specification = importlib.util.spec_from_file_location(f"program{count}", path)
        module = importlib.util.module_from_spec(specification)
        sys.modules[specification.name] = module
        specification.loader.exec_module(module)
        count += 1
    print(count / (time.perf_counter() - begin))
    sys.exit()
specification = importlib.util.spec_from_file_location("program", path)
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
function = getattr(module, "compute_reward", None) or module.compute_dense_reward

# The first line says what the program reads: "# fields: a[3], b{0,1}".
fields = {}
for entry in open(path).readline().removeprefix("# fields:").replace("{0,1}", "").replace("{-1,1}", "").split(","):
    name, _, size = entry.strip().partition("[")
    fields[name] = int(size.rstrip("]")) if size else 0

random = np.random.default_rng(0)
data = {name: random.uniform(-1, 1, (rows, size) if size else rows) for name, size in fields.items()}
if mode == "numpy":
    transitions = [{name: values[row] for name, values in data.items()} for row in range(rows)]

    def once():
        for transition in transitions:
            function(**transition)
else:
    import torch

    torch.set_num_threads(1)
    tensors = {name: torch.tensor(values, dtype=torch.float32) for name, values in data.items()}

    def once():
        with torch.no_grad():
            function(**tensors)


begin = time.perf_counter()
while time.perf_counter() - begin < 0.5:  # Scripting specialises over the first calls.
    once()
count = 0
begin = time.perf_counter()
while time.perf_counter() - begin < 1.5:
    once()
    count += rows
print(count / (time.perf_counter() - begin))
