"""The kit on `mpi4py.futures`, for `mpiexec -n 3 python -m mpi4py.futures mpi_kit.py`; a dead rank ends the whole job."""

from mpi4py.futures import MPIPoolExecutor

from parzen.testing import check_executor

if __name__ == "__main__":
    with MPIPoolExecutor() as pool:
        assert pool.num_workers == 2, pool.num_workers
        check_executor(lambda: pool, mortal=False)
    print("kept every promise")
