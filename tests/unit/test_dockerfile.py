"""The image of profiles/kubernetes, as far as it can be checked without Docker."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = (ROOT / "envs" / "Dockerfile").read_text()


def test_what_it_takes_of_pyproject_is_one_requirement_each():
    taken = re.findall(r'"\$\((grep .*?)\)"', RUN)
    said = [
        subprocess.run(["sh", "-c", one], cwd=ROOT, capture_output=True, text=True, check=True)
        for one in taken
    ]
    found = [done.stdout.splitlines() for done in said]
    assert [len(lines) for lines in found] == [1, 1]
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for (line,) in found)
    assert {line.partition("==")[0] for (line,) in found} == {
        "torch",
        "snakemake-storage-plugin-s3",
    }


def test_the_extras_that_it_installs_are_there():
    extras = set(re.findall(r"--extra (\w+)", RUN))
    assert extras == {"s3", "kubernetes"}
    assert all(f"\n{one} = [" in (ROOT / "pyproject.toml").read_text() for one in extras)
