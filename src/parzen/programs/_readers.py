"""Who would read a value as a program: shells, interpreters, and what hands its arguments to a shell.

A value is passed as an argument of its own, so nobody reads it but the program that is run.  That program may be a shell
with a text to run (`sh -c TEXT`), and then TEXT is where a value must not stand; or one that puts its arguments together
and has a shell read them (`ssh host ...`), and then values must mean nothing to a shell.  A value that begins with a dash is
read as an option by most programs, and an option may hold a program (`tar --checkpoint-action=exec=...`).

A program that is not known here and takes an argument for a program cannot be seen from outside.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parzen.errors import SpaceError

__all__ = ["refuse_programs"]

_SHELL = re.compile(r"(ba|da|z|k|mk|a|c|tc|fi|nu|r|xon|elv)?sh|(pw|power)shell|pwsh|cmd")
_CODE = re.compile(
    r"(i?python|pythonw|pypy|perl|ruby|php|lua)[\d.]*|luajit|node|nodejs|rscript|r|julia|octave(-cli)?|tclsh|deno|bun|ghc"
    r"|sage|racket|guile|scala|groovy|elixir|kotlin"
)
_FIRST = re.compile(r"[gmn]?awk|g?sed|jq|expect|bc")
"""Interpreters whose first argument is the program."""
_JOINING = re.compile(
    r"ssh|rsh|mosh|pssh|su|runuser|script|watch|tmux|screen|at|batch|parallel|flock|.*\.(bat|cmd)"
    r"|[gbdnq]?make|remake|just|go-task|ninja|rake|ant|npm|npx|yarn|pnpm|bunx"
    r"|hyperfine|stata(-(mp|se))?|bsub|qsub|msub|xterm|urxvt|konsole|gnome-terminal|xfce4-terminal"
)
"""Programs that put their arguments together and have a shell read them; or read them themselves, as make does `$(shell …)`,
and put them into what a shell reads."""
_BEFORE = {
    "env": ("-u|--unset|-C|--chdir|-P", 0),
    "nice": ("-n|--adjustment", 0),
    "timeout": ("-[ks]|--signal|--kill-after", 1),
    "nohup": ("", 0),
    "sudo": ("-[ACDghpRrTtUu]|--user|--group|--chdir", 0),
    "doas": ("-[Cu]", 0),
    "time": ("-[of]|--format|--output", 0),
    "setsid": ("", 0),
    "stdbuf": ("-[ioe]|--input|--output|--error", 0),
    "ionice": ("-[cn]|--class|--classdata", 0),
    "taskset": ("", 1),
    "chrt": ("-[TPD]", 1),
    "xargs": ("-[adEILnPs]", 0),
}
"""Programs that run another: their options with a value, and how many arguments of their own stand before that program."""
_HOLDING = {
    "git": "-c|--config-env|--exec-path",
    "n?vim?|g?vim(\\.\\w+)?|ex|view": "-[cS]|--cmd|\\+",
    "gdb": "--?(ex|iex|x|ix|eval-command|init-eval-command|command|init-command)",
    "lldb": "-[oOsS]|--one-line.*|--source.*",
    "psql": "-[A-Za-z0-9]*c|--command",
    "mysql|mariadb": "-[A-Za-z]*e|--execute|--init-command",
    "sqlite3": "--?cmd",
    "rsync": "-[A-Za-z0-9]*e|--rsh|--rsync-path",
    "find": "-(exec|ok)(dir)?",
    "erl": "-eval",
    "matlab": "-(r|batch|sd)",
    "gnuplot": "-[ep]",
    "osascript": "-e",
    "wolframscript|wolfram|math": "-(c|code|run)|--code",
    "maxima": "-r|--(batch|run)-string",
    "scilab(-cli|-adv-cli)?": "-e",
    "sbcl|ccl|ecl": "--eval|-eval",
    "clisp": "-x",
    "swipl": "-[gt]",
    "mongo(sh)?": "--eval",
    "duckdb": "-(c|s|cmd)",
    "emacs": "--?(eval|execute)",
    "g?tar|bsdtar": "-[IF]|--(use-compress-program|to-command|checkpoint-action|info-script|new-volume-script|rsh-command)",
}
"""Programs with options that hold a program."""
_RUNNING = ("timeit", "pdb")
"""Modules for `python -m` that run their arguments."""
_WITH_VALUE = ("-o", "+o", "-O", "+O", "-W", "-X", "-ExecutionPolicy")
_STARTING = ("--rcfile", "--init-file")
"""Options of a shell with a file that it reads first."""
_LONG = (
    "--command",
    "--eval",
    "--execute",
    "--expr",
    "--print",
    "--init-command",
    "-command",
    "-encodedcommand",
    "-eval",
)
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")
_DASHED = re.compile(r"-(?!$|\.?\d[\d.]*([eE][+-]?\d+)?$).*", re.DOTALL)
"""What begins with a dash, and is neither a number nor the dash that stands for a program's input."""

_Parts = tuple[str, ...]
_Placed = Sequence[tuple[int, _Parts]]


@dataclass(slots=True)
class _Read:
    """Who reads what.

    Attributes:
        programs: places of arguments that are read as a program -> who reads them.
        started: places of arguments that name the program that another one runs.
        options: places where one reads its own options still.
        ends: places of a `--` that ends such options; it says nothing of what comes later.
        passed: places of arguments that are a shell's text's own, and nobody's options.
    """

    programs: dict[int, str] = field(default_factory=dict)
    started: set[int] = field(default_factory=set)
    options: dict[int, str] = field(default_factory=dict)
    ends: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)


def refuse_programs(
    arguments: Sequence[_Parts], options: Mapping[str, Sequence[Any]], in_words: Callable[[Any], str]
) -> None:
    """Refuse a place for a value where it would be read as a program.

    Args:
        arguments: each as texts at even places and labels at odd ones.
        options: label -> what it may be; nothing for numbers, which mean nothing to anybody.
        in_words: an option as an argument.

    Raises:
        SpaceError: there is one; the text says what to write instead.
    """
    read = _reading(arguments)
    joining: str | None = None
    ended = False
    for place, parts in enumerate(arguments):
        labels = parts[1::2]
        if labels and (place == 0 or place in read.started):
            raise SpaceError(f"which program is run cannot depend on a parameter: {{{labels[0]}}} stands in its place")
        if labels and place in read.programs:
            raise SpaceError(
                f"{{{labels[0]}}} stands in a text that {read.programs[place]} reads as a program, where a value could do "
                f"anything: pass it as an argument, as in sh -c 'train --lr \"$1\"' sh {{{labels[0]}}}, or let the program "
                "read it from the file {config}",
                label=labels[0],
            )
        word = _called(parts[0]) if not labels else ""
        if _JOINING.fullmatch(word) or parts[0].startswith("--wrap"):
            joining = word or parts[0]
        for label in labels:
            for text in map(in_words, options.get(label, ())):
                if joining is not None and not _PLAIN.fullmatch(text):
                    raise SpaceError(
                        f"{joining} has a shell read its arguments, and {text!r:.80} of parameter {label!r} means something "
                        "to a shell: let the program read it from the file {config}",
                        label=label,
                    )
                if place not in read.passed and _is_option(parts, text, read.options.get(place), ended=ended):
                    raise SpaceError(
                        f"{text!r:.80} of parameter {label!r} would be read as an option of "
                        f"{read.options.get(place, 'the program')}: write it as --name={{{label}}}, or put it after --",
                        label=label,
                    )
        ended = ended or (parts == ("--",) and place not in read.ends)


def _is_option(parts: _Parts, text: str, reader: str | None, *, ended: bool) -> bool:
    """Whether an argument with the value `text` first would be an option of the one that reads it."""
    if reader is None:
        return not ended and parts[0] == parts[2] == "" and len(parts) == 3 and _DASHED.fullmatch(text) is not None
    if not parts[0]:
        return text.startswith("+") or _DASHED.fullmatch(text) is not None
    # Among the letters of an option, or in its name, a value would be further options.
    whole = parts[0].startswith(("-I", "-W", "-X")) and not _SHELL.fullmatch(reader)
    return parts[0].startswith(("-", "+")) and "=" not in parts[0] and not whole


def _reading(arguments: Sequence[_Parts]) -> _Read:
    read = _Read()
    words = list(enumerate(arguments))
    starts = {0}
    k = 0
    while k < len(words):
        parts = words[k][1]
        for word in _names(parts[0], program=k in starts) if len(parts) == 1 else ():
            if word in _BEFORE and k in starts:
                if word == "env":
                    words = [*words[: k + 1], *_split(words[k + 1 :], read)]
                starts.add(_behind(word, words, k, read))
            elif _SHELL.fullmatch(word) or _CODE.fullmatch(word) or _FIRST.fullmatch(word):
                _read_by(word, words, k, read)
            for name, holding in _HOLDING.items():
                if re.fullmatch(name, word):
                    _read_in_options(word, re.compile(holding), words, k, read)
        k += 1
    return read


def _behind(word: str, words: _Placed, k: int, read: _Read) -> int:
    """Where the program stands that `word` at `k` runs."""
    with_value, own = re.compile(_BEFORE[word][0]), _BEFORE[word][1]
    skip = ended = False
    for m in range(k + 1, len(words)):
        place, parts = words[m]
        if skip:
            skip = False
        elif parts == ("--",) and not ended:
            ended = True
            read.ends.add(place)
            continue
        elif not ended and parts[0].startswith("-"):
            skip = len(parts) == 1 and with_value.fullmatch(parts[0]) is not None
        elif own:
            own -= 1
        elif word not in ("env", "sudo", "doas") or "=" not in parts[0]:
            if len(parts) > 1:
                read.started.add(place)
            return m
        if len(parts) > 1:
            read.options[place] = word
    return len(words)


def _split(words: _Placed, read: _Read) -> Iterator[tuple[int, _Parts]]:
    """The arguments of `env`: what `-S TEXT` and `-STEXT` hold goes on as words of its own."""
    rest = iter(words)
    for place, parts in rest:
        found = re.fullmatch(r"(?:-v?S|--split-string(?:=|$))(.*)", parts[0], re.DOTALL)
        if found is None:
            yield place, parts
            if len(parts) == 1 and not parts[0].startswith("-") and "=" not in parts[0]:
                break
            continue
        at, held = place, (found[1], *parts[1:])
        if held == ("",):
            at, held = next(rest, (place, held))
        if len(held) > 1:
            read.programs[at] = "env"
            continue
        try:
            pieces = shlex.split(held[0])
        except ValueError:
            pieces = held[0].split()
        for piece in pieces:
            yield at, (piece,)
        break
    yield from rest


def _read_by(word: str, words: _Placed, k: int, read: _Read) -> None:
    """What an interpreter at `k` reads; its own options end where its script, or the program in `_FIRST`, stands."""
    first, shell = _FIRST.fullmatch(word) is not None, _SHELL.fullmatch(word) is not None
    skip = ended = False
    told = first  # The first argument that is no option is the program.
    for m in range(k + 1, len(words)):
        place, parts = words[m]
        text = parts[0]
        own = ended or not text.startswith(("-", "+")) or text == "-"
        if skip:
            skip = False
        elif word == "cmd" and text.lower() in ("/c", "/k", "/r"):
            _read_all(word, words[m + 1 :], read)
            return
        elif own and len(parts) > 1 and told:
            read.programs[place] = word
            return
        elif own:
            if shell and told:
                read.passed.update(later for later, _ in words[m + 1 :])
            if len(parts) > 1 and not ended:
                read.options[place] = word
                continue  # a parameter that is inactive is left out, and then the next one stands here
            if word == "deno" and text == "eval":
                _read_all(word, words[m + 1 :], read)
            return
        elif text == "--" and len(parts) == 1:
            ended = True
            read.ends.add(place)
        elif text in _WITH_VALUE or (first and text in ("-v", "-F")):
            skip = len(parts) == 1
        elif first and text in ("-f", "--file", "--from-file"):  # the program is in a file
            return
        elif word.startswith(("python", "ipython", "pypy")) and text.startswith("-m"):
            module = text[2:] or (words[m + 1][1][0] if m + 1 < len(words) else "")
            if module in _RUNNING:
                _read_all(f"{word} -m {module}", words[m + 1 :], read)
            if m + 1 < len(words) and text == "-m" and len(words[m + 1][1]) > 1:
                read.options[words[m + 1][0]] = word
            return
        elif text.partition("=")[0] in _STARTING or _holds_program(text):
            if len(parts) > 1:
                read.programs[place] = word
            elif shell and text.partition("=")[0] not in (*_STARTING, *_LONG) and word not in ("pwsh", "powershell"):
                told = True  # Further options may follow, and a shell's program only then.
            elif m + 1 < len(words) and "=" not in text:
                read.programs[words[m + 1][0]] = word
                skip = True
            if word in ("pwsh", "powershell"):
                _read_all(word, words[m + 1 :], read)
                return
        if len(parts) > 1:
            read.options[place] = word


def _read_in_options(word: str, holding: re.Pattern[str], words: _Placed, k: int, read: _Read) -> None:
    """What a program at `k` reads that is none but for some of its options."""
    named = 0
    for m in range(k + 1, len(words)):
        place, parts = words[m]
        before = words[m - 1][1]
        behind = m > k + 1 and len(before) == 1 and holding.fullmatch(before[0]) is not None
        if len(parts) > 1 and (behind or holding.fullmatch(parts[0].partition("=")[0])):
            read.programs[place] = word
        elif len(parts) > 1 and holding.fullmatch("+"):
            read.options[place] = word
        elif word == "sqlite3" and not parts[0].startswith("-"):
            # The base first, then what is done with it.
            named += 1
            if len(parts) > 1 and named > 1 and before[0] not in ("-separator", "-newline", "-nullvalue"):
                read.programs[place] = word


def _read_all(word: str, words: _Placed, read: _Read) -> None:
    read.programs.update((place, word) for place, _ in words)


def _holds_program(option: str) -> bool:
    """Whether an option says that a program follows: -c, -lc, -ne, --eval; or holds one: -cTEXT, --eval=TEXT."""
    name = option.partition("=")[0].lower()
    if name in _LONG:
        return True
    return not option.startswith("--") and any(letter in "ceErp" for letter in option[1:5])


def _names(word: str, *, program: bool) -> list[str]:
    """What a program is in truth, for a link to a shell is one, and what a word calls it; that last, as what is to be said."""
    path = shutil.which(word) if program or "/" in word else None
    names = [] if path is None else [_called(os.path.realpath(path))]
    return list(dict.fromkeys([*names, _called(word)]))


def _called(word: str) -> str:
    return re.sub(r"\.(exe|com)$", "", re.split(r"[/\\]", word)[-1].lower())
