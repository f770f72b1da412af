"""A Ray cluster: `executor=ray`, the module, after `ray.init(...)`.

    import ray
    from parzen.run.executors.ray import Ray

    ray.init("auto")
    parzen.minimize(objective, space, trials=1000, executor=ray)
    parzen.minimize(train, space, trials=100, executor=Ray(num_gpus=1))

Ray is told not to run anything again: the driver does, and counts how often.
"""

from __future__ import annotations

from typing import Any

from parzen._lazy import require
from parzen.errors import ExecutorError
from parzen.run.executors._base import Job
from parzen.run.executors._calls import call
from parzen.run.executors._engine import Engine, early_calls

__all__ = ["Ray"]


class Ray(Engine):
    """An executor over Ray.

    Args:
        ray: the module; None imports it.
        slots: how many trials at once; None for as many as the cluster has room for now.
        options: for each trial's task, as `ray.remote` takes them: `num_cpus` (1 unless said), `num_gpus`, `resources` …
    """

    forceful = True

    def __init__(self, ray: Any = None, slots: int | None = None, **options: Any) -> None:
        self.ray = require("ray", "parzen[ray]") if ray is None else ray
        if not self.ray.is_initialized():
            self.ray.init()
        self.options = {"num_cpus": 1, "max_retries": 0, **options}
        room = self._room()
        super().__init__(slots or self._checked(room))
        self.early = early_calls(self.slots, room)
        self._refs: dict[int, Any] = {}

    def open(self, job: Job) -> None:
        super().open(job)
        self._there = self.ray.put(self.packed_job)
        self._call = self.ray.remote(**self.options)(call)

    def begin(self, task: bytes, number: int, attempt: int) -> None:
        ref = self._refs[number] = self._call.remote(self._there, task, number, attempt, self.address)

        def done(future: Any) -> None:
            if self._refs.get(number) is ref:  # as long as somebody has it, the cluster keeps its result
                self._refs.pop(number, None)
            if future.cancelled():
                return
            error = future.exception()
            self.over(number, attempt, future.result() if error is None else error)

        ref.future().add_done_callback(done)

    def end(self, number: int) -> bool:
        ref = self._refs.pop(number, None)
        if ref is not None:
            self.ray.cancel(ref, force=True)
        return True

    def close(self) -> None:
        super().close()
        self._refs.clear()
        self._there = None

    def _wanted(self) -> dict[str, float]:
        """What a task needs of the cluster."""
        wanted = {"CPU": self.options["num_cpus"], "GPU": self.options.get("num_gpus") or 0}
        return {**wanted, **(self.options.get("resources") or {})}

    def _room(self) -> int:
        """How many tasks with these options the cluster can run now."""
        there = self.ray.cluster_resources()
        return min((int(there.get(name, 0) / share) for name, share in self._wanted().items() if share), default=0)

    def _checked(self, room: int) -> int:
        """As many as there is room for.

        Raises:
            ExecutorError: for none.
        """
        if room < 1:
            raise ExecutorError(
                f"the Ray cluster has no room for a trial of {self._wanted()}: it has {self.ray.cluster_resources()}; or give "
                "parallel="
            )
        return room
