"""Print how a Slurm job goes: running, success or failed."""

import sys

from lorabench.workflow import slurm

if __name__ == "__main__":
    print(slurm.status(sys.argv[1]))
