"""The C library, called through ctypes."""

import ctypes
import os
import pathlib
import sys


class GuerdonError(Exception):
    """A program that does not compile, or data that does not fit it; the message says what and where."""


class Array(ctypes.Structure):
    """guerdon_array of guerdon_reward.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("axes", ctypes.c_int32),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
    ]


def _candidates():
    name = "libguerdon_reward.dylib" if sys.platform == "darwin" else "libguerdon_reward.so"
    if "GUERDON_REWARD_LIBRARY" in os.environ:
        yield pathlib.Path(os.environ["GUERDON_REWARD_LIBRARY"])
        return
    package = pathlib.Path(__file__).resolve().parent
    yield package / name
    # In a checkout: what `swift build` made.
    yield package.parent.parent / ".build" / "release" / name


def _load():
    tried = list(_candidates())
    for path in tried:
        if path.exists():
            try:
                return ctypes.CDLL(str(path))
            except OSError as error:
                raise ImportError(f"{path} cannot be loaded: {error}") from None
    raise ImportError(
        "libguerdon_reward is missing (looked for "
        + ", ".join(str(path) for path in tried)
        + "); build it with `make python` in a checkout of Guerdon, or name it in GUERDON_REWARD_LIBRARY"
    )


library = _load()
_error = ctypes.POINTER(ctypes.c_void_p)
for _name, _result, _arguments in [
    (
        "guerdon_compile",
        ctypes.c_void_p,
        [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_int32,
            ctypes.c_char_p,
            _error,
        ],
    ),
    ("guerdon_free", None, [ctypes.c_void_p]),
    ("guerdon_input_count", ctypes.c_int32, [ctypes.c_void_p]),
    ("guerdon_input_name", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int32]),
    ("guerdon_term_count", ctypes.c_int32, [ctypes.c_void_p]),
    ("guerdon_term_name", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int32]),
    ("guerdon_diagnostics", ctypes.c_void_p, [ctypes.c_void_p]),
    (
        "guerdon_evaluate",
        ctypes.c_int32,
        [
            ctypes.c_void_p,
            ctypes.POINTER(Array),
            ctypes.c_size_t,
            ctypes.c_int64,
            ctypes.c_void_p,
            ctypes.c_void_p,
            _error,
        ],
    ),
    ("guerdon_free_string", None, [ctypes.c_void_p]),
]:
    _function = getattr(library, _name)
    _function.restype = _result
    _function.argtypes = _arguments


def take_string(pointer):
    """The text at a pointer that the library gave away."""
    if not pointer:
        return ""
    text = ctypes.string_at(pointer).decode("utf-8")
    library.guerdon_free_string(pointer)
    return text


class ErrorSlot:
    """Where the library puts a message."""

    def __init__(self):
        self._slot = ctypes.c_void_p()

    def reference(self):
        return ctypes.byref(self._slot)

    def raised(self):
        return GuerdonError(take_string(self._slot.value))
