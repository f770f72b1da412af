"""BLAS has one thread while a proposal is made, and then what it had before."""

from __future__ import annotations

import threading

import scipy.linalg
import threadpoolctl

from parzen.algorithms._threads import one_blas_thread


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
