"""Ctrl-C, SIGTERM, a closed terminal: the jobs end, the workflow says so, nothing is lost."""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

from lorabench.workflow.older import call

STATUS = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WAKES = signal.SIGURG
"""Means nothing to any program, and wakes a thread that sleeps."""
_SHELLS = ("bash", "sh", "dash")
_ASKING = ("slurm_", "squeue", "scancel")
"""How programs are called that ask a cluster: to end its jobs takes them."""
_PATIENCE = 20
_EVERY_SECONDS = 0.2


class Stopping:
    """Ends the workflow at the first signal and kills its jobs at the second."""

    def __init__(self) -> None:
        """No signal has come yet."""
        self.begun = False
        self.elsewhere: Callable[[], object] = lambda: None
        """Ends what runs on other machines."""

    def heed(self) -> None:
        """Listen for the signals, also where Snakemake has begun to listen for some itself."""
        with suppress(ValueError):  # not in the main thread: whoever runs it there decides
            for number in _SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:  # nohup
                    signal.signal(number, self._stop)
            self._wake_the_main_thread()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _wake_the_main_thread(self) -> None:
        """Let a signal reach the main thread, which alone runs `_stop`, also where it sleeps.

        The system gives a signal to any thread: one that Snakemake's benchmark starts (two a
        second) may take it. Then the main thread would wait for the end of the jobs first.
        """
        if signal.getsignal(_WAKES) == signal.SIG_DFL:  # else it has been done
            signal.signal(_WAKES, lambda *_: None)
            read, written = os.pipe()
            os.set_blocking(written, False)
            signal.set_wakeup_fd(written, warn_on_full_buffer=False)
            threading.Thread(target=self._pass_on, args=(read,), daemon=True).start()

    def _pass_on(self, read: int) -> None:
        main = threading.main_thread().ident or 0
        while numbers := os.read(read, 1):
            while numbers[0] in _SIGNALS:
                signal.pthread_kill(main, _WAKES)
                if self.begun:
                    break
                time.sleep(_EVERY_SECONDS)  # it may have been about to sleep: once more

    def hold_back(self) -> None:
        """Keep the signals waiting for the program that takes this one's place, until it heeds."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.begun:
            _end_jobs(signal.SIGKILL)
            return
        self.begun = True
        atexit.register(_say, f"Stopped{call.way_on()}.")
        atexit.register(self.elsewhere)  # what was registered last comes first
        threading.Thread(target=_see_jobs_end, daemon=True).start()
        sys.exit(STATUS)  # unwinds to where Snakemake, or the interpreter, ends without a word


def _say(text: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who goes on typing it gets the same status
    with suppress(OSError, ValueError):  # the terminal may be closed
        print(f"\r\x1b[K{text}" if sys.stderr.isatty() else text, file=sys.stderr)


def _see_jobs_end() -> None:
    """End the jobs' programs; again, as one that has just started may not have listened."""
    begun = time.monotonic()
    while True:
        _end_jobs(signal.SIGKILL if time.monotonic() - begun > _PATIENCE else signal.SIGTERM)
        time.sleep(_EVERY_SECONDS)


def _end_jobs(number: int) -> None:
    """Send a signal to the jobs' programs; what these started ends with them."""
    for process in _programs(psutil.Process(os.getpid())):
        with suppress(psutil.Error):
            process.send_signal(number)


def _programs(parent: psutil.Process) -> list[psutil.Process]:
    """Return what a process has started, shells and what they have started: parents first."""
    found = []
    with suppress(psutil.Error):
        for child in parent.children():
            with suppress(psutil.Error):
                words = " ".join(child.cmdline()).split()  # a shell's command is one word
                if not any(Path(word).name.startswith(_ASKING) for word in words):
                    found.append(child)
                    found += _programs(child) if child.name() in _SHELLS else []
    return found
