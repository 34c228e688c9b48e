import subprocess
import sys

from tests.project import ROOT


def test_the_servers_networks_come_without_packages_that_they_do_not_need():
    code = (
        "import sys, lorabench.comfy.embedded.engine, lorabench.comfy.embedded.nodes;"
        "sys.exit(bool({'peft', 'scipy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts", check=True)
