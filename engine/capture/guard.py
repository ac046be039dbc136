"""Lets capture look at tensors without being seen, by autograd or by its own hooks, and without getting in the way."""

from __future__ import annotations

import ctypes
from types import TracebackType

import torch


def _unseen() -> torch._C.DispatchKeySet:
    """Keys of dispatch that two guards of torch's exclude, below autograd and below modes; one guard costs a third."""
    before = torch._C._dispatch_tls_local_exclude_set()
    with torch._C._DisableTorchDispatch(), torch._C._AutoDispatchBelowAutograd():
        return torch._C._dispatch_tls_local_exclude_set() - before


_UNSEEN = _unseen()


class Quiet:
    """Inside `with Quiet():` tensor operations make no nodes, bump no sequence number, and reach no mode.

    The guards are thread-local, so a `Quiet` is made where it is used and not kept.
    """

    __slots__ = ("_dispatch", "_functions")

    def __enter__(self) -> None:
        self._functions = torch._C.DisableTorchFunction()
        self._dispatch = torch._C._ExcludeDispatchKeyGuard(_UNSEEN)
        self._functions.__enter__()
        self._dispatch.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dispatch.__exit__(kind, error, trace)
        self._functions.__exit__(kind, error, trace)


def _openmp() -> ctypes.CDLL | None:
    """The OpenMP library that torch itself was linked with, or None where it cannot be found."""
    try:
        library = ctypes.CDLL(torch._C.__file__)
        library.omp_get_max_threads.restype = ctypes.c_int
        library.omp_set_num_threads.argtypes = (ctypes.c_int,)
    except (OSError, AttributeError):
        return None
    return library


OPENMP = _openmp()


class OneThread:
    """Inside, torch's own kernels run on the calling thread alone.

    torch divides a reading evenly: while the writer's thread has the other core, waiting for the slower half costs many
    times the kernel. (`measure.c` has parts for which nobody waits, and uses all threads.) `torch.set_num_threads` will
    not do: it also changes how the matrix library divides its work, and with it the last bits of the script's own
    results. This sets one number of the calling thread and puts it back.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = 0
        if OPENMP is not None:
            self._before = OPENMP.omp_get_max_threads()
            OPENMP.omp_set_num_threads(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if OPENMP is not None:
            OPENMP.omp_set_num_threads(self._before)
