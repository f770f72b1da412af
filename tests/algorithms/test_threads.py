"""BLAS has one thread while a proposal is made, and then what it had before."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable

import scipy.linalg
import threadpoolctl

from parzen.algorithms._threads import one_blas_thread

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def _threads() -> set[int]:
    assert scipy.linalg  # it brings a library of its own
    return {info["num_threads"] for info in threadpoolctl.threadpool_info() if info["user_api"] == "blas"}


def test_one_thread_inside_and_all_of_them_afterwards() -> None:
    """Also when one is inside another."""
    with threadpoolctl.threadpool_limits(2, "blas"):
        with one_blas_thread(), one_blas_thread():
            inside = _threads()
        after = _threads()

    assert (inside, after) == ({1}, {2})


def test_threads_that_overlap_restore_what_was_there_before_the_first() -> None:
    """The one that came first leaves first."""
    first_left, second_came = threading.Event(), threading.Event()
    came = threading.Event()

    def first() -> None:
        with one_blas_thread():
            came.set()
            assert second_came.wait(10)
        first_left.set()

    def second() -> None:
        assert came.wait(10)
        with one_blas_thread():
            second_came.set()
            assert first_left.wait(10)

    with threadpoolctl.threadpool_limits(2, "blas"):
        both = [threading.Thread(target=first), threading.Thread(target=second)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        after = _threads()

    assert after == {2}


def test_a_library_that_is_loaded_inside_is_limited_too(run_python: Run) -> None:
    """By the next that comes while others are inside, and by whoever says that it has loaded something."""
    program = """
import sys, threadpoolctl
import numpy
from parzen.algorithms._threads import cover_new_libraries, one_blas_thread

def most():
    return max(info["num_threads"] for info in threadpoolctl.threadpool_info() if info["user_api"] == "blas")

with one_blas_thread():
    sys.modules["scipy.linalg"] = half = type(sys)("scipy.linalg")  # another thread is importing it
    half.__spec__ = type("Spec", (), {"_initializing": True})
    cover_new_libraries()
    del sys.modules["scipy.linalg"]
    import scipy.linalg
    for library in threadpoolctl.ThreadpoolController().lib_controllers:
        library.set_num_threads(2)  # however few processors there are
    before = most()
    METHOD
    print(before, most())
"""
    for method in ("cover_new_libraries()", "one_blas_thread().__enter__()"):
        done = run_python("-c", program.replace("METHOD", method))

        assert done.stdout.split() == ["2", "1"], done.stderr
