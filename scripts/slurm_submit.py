"""Submit a job of Snakemake's to Slurm and print its number; options of sbatch go before it."""

import sys
from pathlib import Path

from lorabench.errors import UserError
from lorabench.workflow import slurm


def main() -> int:
    """Run the command line: Snakemake puts the job's script behind what the profile says."""
    *options, script = sys.argv[1:]
    try:
        print(slurm.submit(Path(script), options))
    except (UserError, FileNotFoundError) as error:
        if Path(script).exists():  # else its call was stopped meanwhile
            print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
