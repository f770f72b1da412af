"""A program as an objective."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parzen.errors import ObjectiveError, SpaceError, TrialPruned
from parzen.programs._command import Command, command_of, in_words
from parzen.programs._files import read_file
from parzen.programs._layout import Group, Leaf, layout_of, nodes_of, options_of, values_of
from parzen.programs._losses import Loss, NoLoss, Watcher, loss_named, pattern_of
from parzen.programs._process import PROCESS, CannotStart, Ended, end_left_over, follow, tail_of
from parzen.run import Evaluation

__all__ = ["Program"]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is found out once, when a program is made."""

    command: Command
    layout: Group
    loss: Loss


@dataclass(frozen=True, eq=False)
class Program:
    """A program in any language, as an objective: each trial is one process.

        train = Program(["python", "train.py", "--lr", "float(1e-5, 1e-1, log)", "--opt", "cat(adam, sgd)"])
        parzen.minimize(train, train.space, trials=100)

    An argument that is a parameter (`float(low, high)`, `int(…)`, `cat(a, b)`, `ord(…)`, `bool()`, `normal(…)`) is called by
    the option before it; `name:float(0, 1)` names it.  `{name}` stands for a value, `{folder}`, `{config}`, `{number}` and
    `{seed}` for the trial's folder, the file with its configuration, its number and a seed of its own.  An argument with a
    parameter that is inactive is left out, and the option before it.  Values are passed as arguments, and never read by a
    shell.

    Args:
        command: the program and its arguments.
        space: further parameters: path of a YAML, TOML or JSON file, or what such a file says.
        loss: where the loss is: "last" (the last line that it prints), "regex:PATTERN" or "json:FILE".
        report: pattern of lines that tell how it is going, with groups `loss` and perhaps `step`; None takes lines that are
            JSON objects with "step".
        folder: where each trial gets a folder of its own, with config.json, command.txt, output.txt and errors.txt.
        timeout: seconds after which a trial is ended and has failed; None for no limit.
        in_folder: the program runs in the trial's folder instead of the current one.

    Attributes:
        space: for `minimize` and `Study`.

    Raises:
        SpaceError: the parameters make no sense, or a value would be read by a shell.
        ObjectiveError: the program is not there, or `loss` or `report` make no sense.
    """

    command: Sequence[str]
    space: Any = field(default=None, repr=False)
    loss: str = "last"
    report: str | None = None
    folder: str | os.PathLike[str] = "trials"
    timeout: float | None = None
    in_folder: bool = False
    _plan: _Plan = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.command, (str, bytes)) or not all(isinstance(word, str) for word in self.command):
            raise ObjectiveError(f"command is a list of words, the program first, got {self.command!r:.80}")
        command = command_of(self.command)
        given = read_file(self.space) if isinstance(self.space, (str, os.PathLike)) else self.space
        layout = layout_of({} if given is None else given)
        clash = [label for label in command.parameters if label in layout.items]
        if clash:
            raise SpaceError(f"parameter {clash[0]!r} stands in the command and in the file: leave one of them out")
        # Their labels are their keys, so that the configuration is flat where the file is.
        spelled = {label: Leaf(label, found) for label, found in command.parameters.items()}
        layout = Group({**layout.items, **spelled})
        options = dict(options_of(layout))
        if not options:
            raise SpaceError(
                "there is nothing to search: spell a parameter in an argument, as in --lr 'float(1e-5, 1e-1, log)', "
                "or give a file with a space"
            )
        command.check(options)
        if self.report is not None:
            pattern_of(self.report)
        if not self.in_folder and shutil.which(self.command[0]) is None:
            raise ObjectiveError(f"there is no program {self.command[0]!r}, or it may not be run")
        # Frozen: what it is does not change once it was checked.
        object.__setattr__(self, "space", nodes_of(layout))
        object.__setattr__(self, "folder", os.path.abspath(self.folder))
        object.__setattr__(self, "_plan", _Plan(command, layout, loss_named(self.loss)))

    def __call__(self, config: Mapping[str, Any], evaluation: Evaluation) -> dict[str, Any]:
        """Run the program once; what it said, as an objective returns it.

        Raises:
            TrialPruned: the trial had better end, and the program was ended.
        """
        folder, seed = self._new_folder(evaluation.number), int(evaluation.rng.integers(2**31))
        path = os.path.join(folder, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(config, indent=1, default=str) + "\n")
        trial = {"folder": folder, "config": path, "number": str(evaluation.number), "seed": str(seed)}
        values = {label: in_words(value) for label, value in values_of(self._plan.layout, config)}
        words = self._plan.command.filled({**values, **trial})
        with open(os.path.join(folder, "command.txt"), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(shlex.join(words) + "\n")
        watcher = Watcher(self._plan.loss, self.report)

        def look() -> bool:
            told, watcher.reports[:] = list(watcher.reports), []
            for step, metrics in told:
                evaluation.report(step, **metrics)
            # A program that tells nothing on the way is not worth ending: nobody knows how it does.
            return bool(told) and evaluation.should_stop()

        errors = os.path.join(folder, "errors.txt")
        try:
            ended = follow(
                words,
                output=os.path.join(folder, "output.txt"),
                errors=errors,
                process_file=os.path.join(folder, PROCESS),
                see=lambda line, error: watcher.see(line, error=error),
                look=look,
                cwd=folder if self.in_folder else None,
                env=self._environment(trial),
                timeout=self.timeout,
                clock=time.monotonic,
            )
        except CannotStart as error:
            return {"status": "fail", "error": f"{words[0]} cannot be run: {error}", "folder": folder}
        if ended.given_up:
            look()
            raise TrialPruned
        look()
        failed = self._failure(ended, errors)
        if failed is None:
            try:
                return {**watcher.result(folder), "folder": folder}
            except NoLoss as error:
                failed = str(error)
        return {"status": "fail", "error": failed, "folder": folder}

    def _failure(self, ended: Ended, errors: str) -> str | None:
        if ended.timed_out:
            return f"took longer than {self.timeout:g} s"
        if ended.status == 0:
            return None
        how = f"exit status {ended.status}" if ended.status > 0 else f"ended by signal {-ended.status}"
        last = tail_of(errors)
        return f"{how}: {last}" if last else how

    def _new_folder(self, number: int) -> str:
        """Each attempt at a trial has its own, so that none finds what another left."""
        base = os.path.join(self.folder, f"{number:05d}")
        os.makedirs(self.folder, exist_ok=True)
        attempt = 1
        while True:
            folder = base if attempt == 1 else f"{base}.{attempt}"
            try:
                os.mkdir(folder)
                return folder
            except FileExistsError:
                end_left_over(os.path.join(folder, PROCESS))
                attempt += 1

    def _environment(self, trial: Mapping[str, str]) -> dict[str, str]:
        # Python's own programs print what they have to say when they say it, and not when they end.
        return {
            "PYTHONUNBUFFERED": "1",
            **os.environ,
            **{f"PARZEN_{name.upper()}": text for name, text in trial.items()},
        }
