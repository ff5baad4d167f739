"""Reward programs on numpy arrays."""

import ctypes
import json
import pathlib
from typing import Mapping, NamedTuple, Optional

import numpy as np

from guerdon._library import Array, ErrorSlot, GuerdonError, library, take_string

_DTYPES = {
    np.dtype(np.float64): 0,
    np.dtype(np.float32): 1,
    np.dtype(np.int64): 2,
    np.dtype(np.int32): 3,
    np.dtype(np.uint8): 4,
    np.dtype(np.bool_): 5,
}


class Evaluation(NamedTuple):
    """Rewards of a batch.

    reward: float64 [rows]; a float for one transition, or for the fitness of an episode
    terms: float64 [rows] each, by name in the program's order
    """

    reward: np.ndarray
    terms: dict


def load(path, *, schema: Optional[Mapping] = None, kind: str = "reward", function: Optional[str] = None) -> "Program":
    """Loads a reward program from a file.

    schema: {"fields": [{"name": "obs", "shape": [11], "low": -1, "high": 1, "meaning": "…"}, …]}, shapes without the
        axis of rows. With it the program is checked at once; without it, when the first data shows the shapes.
    kind: "reward" (a number per transition) or "fitness" (a number per episode)
    function: the function to run, when it has no usual name

    Raises GuerdonError with every diagnostic of a program that does not compile, OSError if it cannot be read.
    """
    path = pathlib.Path(path)
    return Program(path.read_bytes(), name=str(path), schema=schema, kind=kind, function=function)


class Program:
    """A reward program. It may be shared by threads; evaluation releases the interpreter's lock."""

    def __init__(self, source, *, name="reward.py", schema=None, kind="reward", function=None):
        if kind not in ("reward", "fitness"):
            raise ValueError(f'kind is "reward" or "fitness", not {kind!r}')
        self.source = source if isinstance(source, bytes) else source.encode("utf-8")
        self.name = name
        self.kind = kind
        self.function = function
        self._fixed = None
        self._compiled = {}
        if schema is not None:
            self._fixed = _Compiled(self, json.dumps(schema))

    def evaluate(self, batch: Mapping, *, single: bool = False) -> Evaluation:
        """The rewards of transitions, or the fitness of one episode.

        batch: arrays by the names that the program uses, rows first ([rows, …]). A number, or an array with another
            first axis, is the same in every row. Arrays of float64, float32, int64, int32, uint8 and bool, of any
            strides, are read in place; others are converted.
        single: the arrays are those of one transition, without the axis of rows.
        """
        arrays = {name: np.asarray(value) for name, value in batch.items()}
        numeric = {name: array for name, array in arrays.items() if array.dtype.kind in "biuf"}
        rows = 1 if single else _rows(numeric)
        if self._fixed is not None:
            compiled = self._fixed
            shared = compiled.shared
        else:
            shared = set() if single else {
                name for name, array in numeric.items() if array.ndim == 0 or array.shape[0] != rows
            }
            compiled = self._compile(numeric, shared, single)
        if single:
            numeric = {n: (a if n in shared else a[None]) for n, a in numeric.items() if n in compiled.needed}
        reward, terms = compiled.evaluate(numeric, rows)
        if self.kind == "fitness":
            return Evaluation(float(reward[0]), {})
        if single:
            return Evaluation(float(reward[0]), {name: float(values[0]) for name, values in terms.items()})
        return Evaluation(reward, terms)

    @property
    def diagnostics(self) -> list:
        """Warnings and notes of the checks, as dictionaries; empty until the program is compiled."""
        compiled = self._fixed or next(iter(self._compiled.values()), None)
        return compiled.diagnostics if compiled else []

    @property
    def inputs(self) -> list:
        """Names of what the program reads; empty until it is compiled."""
        compiled = self._fixed or next(iter(self._compiled.values()), None)
        return compiled.inputs if compiled else []

    def _compile(self, arrays, shared, single):
        def describe(name, array):
            if array.ndim == 0 and not single:
                value = float(array)
                return name, (), True, value
            return name, array.shape if single or name in shared else array.shape[1:], name in shared, None

        key = tuple(describe(name, array) for name, array in sorted(arrays.items()))
        compiled = self._compiled.get(key)
        if compiled is None:
            fields = []
            for name, shape, is_shared, value in key:
                field = {"name": name, "shape": list(shape), "shared": is_shared}
                if value is not None and np.isfinite(value):
                    field["low"] = field["high"] = value
                fields.append(field)
            compiled = _Compiled(self, json.dumps({"environment": "the data", "fields": fields}))
            if len(self._compiled) >= 64:  # Shared numbers that change all the time.
                self._compiled.clear()
            self._compiled[key] = compiled
        return compiled


def _rows(arrays):
    """The first axis that most arrays have; of several, the longest."""
    counts = {}
    for array in arrays.values():
        if array.ndim:
            counts[array.shape[0]] = counts.get(array.shape[0], 0) + 1
    return max(counts, key=lambda size: (counts[size], size)) if counts else 1


class _Compiled:
    """A program compiled against one schema."""

    def __init__(self, program, schema):
        error = ErrorSlot()
        self._handle = library.guerdon_compile(
            program.source,
            len(program.source),
            program.name.encode("utf-8"),
            schema.encode("utf-8"),
            1 if program.kind == "fitness" else 0,
            program.function.encode("utf-8") if program.function else None,
            error.reference(),
        )
        if not self._handle:
            raise error.raised()
        handle = self._handle
        self.kind = program.kind
        self.inputs = [
            library.guerdon_input_name(handle, i).decode("utf-8") for i in range(library.guerdon_input_count(handle))
        ]
        self.terms = [
            library.guerdon_term_name(handle, i).decode("utf-8") for i in range(library.guerdon_term_count(handle))
        ]
        self.diagnostics = json.loads(take_string(library.guerdon_diagnostics(handle)))
        self.needed = set(self.inputs)
        self.shared = {field["name"] for field in json.loads(schema)["fields"] if field.get("shared")}

    def __del__(self):
        handle = getattr(self, "_handle", None)
        if handle:
            library.guerdon_free(handle)

    def evaluate(self, arrays, rows):
        structures = (Array * max(1, len(self.inputs)))()
        kept = []  # What the structures point to.
        for position, name in enumerate(self.inputs):
            array = arrays.get(name)
            if array is None:
                raise GuerdonError(f'the data has no numbers "{name}", which the program reads')
            dtype = _DTYPES.get(array.dtype)
            if dtype is None:
                array = np.asarray(array, dtype=np.float64)
                dtype = 0
            shape = (ctypes.c_int64 * max(1, array.ndim))(*array.shape)
            strides = (ctypes.c_int64 * max(1, array.ndim))(*array.strides)
            encoded = name.encode("utf-8")
            kept.append((array, shape, strides, encoded))
            structures[position] = Array(encoded, array.ctypes.data, dtype, array.ndim, shape, strides)
        reward = np.empty(1 if self.kind == "fitness" else rows, dtype=np.float64)
        terms = np.empty((len(self.terms), rows), dtype=np.float64)
        error = ErrorSlot()
        status = library.guerdon_evaluate(
            self._handle,
            structures,
            len(self.inputs),
            rows,
            reward.ctypes.data,
            terms.ctypes.data if len(self.terms) and self.kind == "reward" else None,
            error.reference(),
        )
        if status:
            raise error.raised()
        return reward, {name: terms[position] for position, name in enumerate(self.terms)}
