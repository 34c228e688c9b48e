"""Turn the last output of a training program into one message for the user."""

import re
import shlex
from collections.abc import Callable, Sequence

from lorabench.errors import UserError
from lorabench.train.external import supervisor
from lorabench.train.external.tool import Tool

# The last line of a traceback, as Python writes it.
_EXCEPTION = re.compile(r"^(\w+\.)*\w*(Error|Exception|Interrupt|Exit|Invalid)\b")
# accelerate reports the failure of its child with an exception of its own.
_SECOND_HAND = re.compile(r"^subprocess\.CalledProcessError")

_KILLED = 128 + 9
_HINT_KILLED = "It was killed, most likely for lack of memory; see train: {batch_size: …}."
_HINTS = {
    r"died with <Signals\.SIGKILL": _HINT_KILLED,
    r"CUDA out of memory|OutOfMemoryError|can't allocate memory|MemoryError": (
        "There was not enough memory: train: {batch_size: 1, gradient_checkpointing: True}, or a "
        "lower preprocess resolution."
    ),
    r"permission denied while trying to connect|docker\.sock.*permission denied": (
        "Your user may not use Docker: sudo usermod -aG docker $USER, and log in again."
    ),
    r"Cannot connect to the Docker daemon|docker daemon running": (
        "Docker does not run here: start it."
    ),
    r"unknown shorthand flag|is not a docker command|unknown command: docker compose": (
        "Docker has no `docker compose` here: install its Compose plugin."
    ),
    r"unsatisfied condition: cuda": (
        "The NVIDIA driver is too old for the container: install 570 or newer."
    ),
    r"could not select device driver|discover GPU vendor|runtime name: nvidia|nvidia-container": (
        "Docker cannot give the container an NVIDIA card: `nvidia-smi` must work here, and the "
        "NVIDIA Container Toolkit must be installed (sudo nvidia-ctk runtime configure "
        "--runtime=docker, then restart Docker)."
    ),
    r"bind source path does not exist|[Mm]ounts denied|not shared from the host": (
        "Docker does not see this project's folders: does it run on another machine, or must this "
        "folder be shared in the settings of Docker Desktop?"
    ),
    r"no space left on device": (
        "The disk is full: the image needs tens of gigabytes in Docker's folder."
    ),
    r"No such container|is not running|no such service|no configuration file provided": (
        "The container does not run: docker compose -f kohya-docker/docker-compose.yml up -d"
    ),
    r"No module named '?accelerate": (
        "The Python of %(name)s has no accelerate: install the requirements.txt of %(name)s "
        "into its venv/, or name another Python by %(section)s: {launcher: …}."
    ),
    r"ModuleNotFoundError|No module named": (
        "The Python that ran it lacks a package of %(name)s: install its requirements.txt into "
        "its venv/, or name another Python by %(section)s: {launcher: …}."
    ),
    r"can't open file|No such file or directory: '.*train_network\.py": (
        "%(name)s is not there: set %(variable)s or %(section)s: {%(folder)s: …} to its folder in "
        "the container."
    ),
    r"Can't load tokenizer|couldn't connect to|offline mode|LocalEntryNotFoundError": (
        "%(name)s fetches the vocabularies of text encoders from the network on its first run: run "
        "it once with a connection."
    ),
    r"unrecognized arguments|invalid choice|expected .*argument": (
        "Correct it in train: {kohya_args: …}."
    ),
}


def not_started(tool: Tool, program: str, error: OSError) -> UserError:
    """Return the message for a command that could not be started at all."""
    return UserError(
        f"{program} cannot be started ({error.strerror}); {tool.trainer}: {{launcher: …}} should "
        f"be a command that exists, or empty for {tool.name} on this machine."
    )


def no_answer(tool: Tool, python: Sequence[str], seconds: float) -> UserError:
    """Return the message for a Python of the tool, `python`, that does not answer."""
    return UserError(
        f"the Python of {tool.name} gave no answer within {seconds:g} s: try {shlex.join(python)} "
        f"in a terminal. Does a launcher wait for something ({tool.trainer}: {{launcher: …}}), "
        "does a container hang, or is a disk away?"
    )


def explain(tool: Tool, status: int, output: Sequence[str]) -> UserError:
    """Return the message for a program that ended with `status` after it wrote `output`.

    A status below 0 means a signal, as one above 128 does for the shell.
    """
    status = status if status >= 0 else 128 - status
    if status == supervisor.NO_LIFELINE:
        return UserError(
            "the launcher does not pass standard input on, which ends the training with its "
            "workflow: `docker exec` needs -i, `docker compose exec` needs -T."
        )
    error = _last_error(output)
    # Only the end: earlier warnings are seldom the cause.
    found = _hint(tool.says, "\n".join([error, *output[-5:]]))
    if status == _KILLED:
        found = found or _HINT_KILLED
    what = [f"{tool.name} failed (exit status {status})", error.rstrip(".?!")]
    return UserError(". ".join(filter(None, [": ".join(filter(None, what)), found])))


def launcher(tool: Tool, command: Sequence[str], status: int, output: Sequence[str]) -> UserError:
    """Return the message for a launcher that ended with `status` and started nothing."""
    failed = f"it failed by itself (exit status {status}), before anything of {tool.name} began"
    what = f"{tool.trainer}.launcher: {shlex.join(command)}: {failed}"
    return not_begun(what, output, says=tool.says)


def no_file(tool: Tool, image_dir: str, output: Sequence[str]) -> UserError:
    """Return the message for a training that ended well and left no LoRA."""
    found_nothing = any("No data found" in line for line in output)
    reason = (
        f"it found no picture in {image_dir}. Is that the folder of the set in the container? "
        f"See {tool.trainer}: {{paths: …}}."
        if found_nothing
        else f"its output is in the log. Does {tool.trainer}: {{paths: …}} name the folder that it "
        "wrote to?"
    )
    return UserError(f"{tool.name} ended without an error and without a LoRA: {reason}")


def of_no_tool(hint: str) -> str:
    """Return a hint that names no program; empty for one that does."""
    return "" if "%(" in hint else hint


def not_begun(
    what: str, output: Sequence[str], *ways: str, says: Callable[[str], str] = of_no_tool
) -> UserError:
    """Return the message for something that did not start, with its last lines and a hint."""
    last = [line.strip() for line in output if line.strip()][-5:]
    lines = [what, *(f"  {line}" for line in last), _hint(says, "\n".join(last)), *ways]
    return UserError("\n".join(filter(None, lines)))


def _hint(says: Callable[[str], str], text: str) -> str:
    """Return what to do about the first failure that is known in a text; empty for none."""
    return next((says(hint) for pattern, hint in _HINTS.items() if re.search(pattern, text)), "")


def _last_error(output: Sequence[str]) -> str:
    """Return the last line that names an exception, else the last line with text, if any."""
    lines = [line.strip() for line in output if line.strip()]
    errors = [line for line in lines if _EXCEPTION.match(line)]
    first_hand = [line for line in errors if not _SECOND_HAND.match(line)]
    return (first_hand or ([""] if errors else lines) or [""])[-1]
