"""A cell's pictures stay until the next ones are there, although Snakemake removes outputs first.

Of outputs with its flag `update`, Snakemake makes a copy before the job and brings it back after a
failure, with the note that the job has made it. Ours need no copy, because they appear by rename;
and what a failed job has not replaced must be made again, whatever the next call asks for. So the
job's program dates it back (`files.outdate`), and no note is kept.
"""

from pathlib import Path
from typing import Any

from lorabench import files


def attach(persistence: Any) -> None:
    """Have Snakemake's `persistence`, a class, leave outputs with this flag where they are."""
    finished = persistence.finished

    async def note(self: Any, job: Any) -> None:
        if any(files.is_outdated(Path(path)) for path in job.output):
            self.cleanup(job)
        else:
            await finished(self, job)

    def back_up(self: Any, path: Path) -> None:
        pass

    def bring_back(self: Any, path: Path) -> bool:
        return files.is_outdated(path)

    persistence.finished = note
    persistence.backup_output = back_up
    persistence.restore_output = bring_back
