"""Entry of the command line: ``python -m stentrans COMMAND``, see ``--help``."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from stentrans.cli.parser import build_parser
from stentrans.errors import StentransError
from stentrans.processes import reuse_memory, work_in_one_thread

REFUSED = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        Arguments after the program's name; those of the process if None.

    Returns
    -------
    code
        0 done; 2 refused, with one sentence on standard error; 130 interrupted.
    """
    arguments = build_parser().parse_args(argv)
    # The commands import pandas and more; "--help" should not wait for that.
    from stentrans.cli import commands

    try:
        code: int = getattr(commands, arguments.command)(arguments)
        sys.stdout.flush()
    except StentransError as error:
        return refuse(str(error))
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return refuse(f"{error.strerror or error}: {error.filename or 'no file named'}.")
    except MemoryError:
        return refuse("The memory of this machine does not suffice; choose fewer genes.")
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def refuse(sentence: str) -> int:
    """Say on standard error why the command ended, in one line, and return the exit code."""
    sys.stderr.write(f"stentrans: {' '.join(sentence.split())}\n")
    return REFUSED


if __name__ == "__main__":
    work_in_one_thread()
    reuse_memory()
    code = main()
    gc.freeze()  # What is left ends with the process; to look through it takes most of a second.
    sys.exit(code)
