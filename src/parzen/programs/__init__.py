"""Programs in any language as objectives: `parzen run`, from Python.

    from parzen.programs import Program

    train = Program(["python", "train.py", "--lr", "float(1e-5, 1e-1, log)"])
    parzen.minimize(train, train.space, trials=100, storage="study.db", catch=True)

| file | what it knows |
|---|---|
| `_grammar` | how a parameter is spelled in an argument: `float(1e-5, 1e-1, log)` |
| `_layout` | a space as arguments and files say it: groups, parameters, choices |
| `_files` | YAML, TOML and JSON |
| `_command` | arguments with places for values, and what must not be one |
| `_losses` | where the loss of a program is: its last line, a pattern, a file |
| `_process` | one process: started, followed, ended |
| `_program` | all of it as an objective |
"""

from parzen.programs._files import read_space
from parzen.programs._program import Program

__all__ = ["Program", "read_space"]
