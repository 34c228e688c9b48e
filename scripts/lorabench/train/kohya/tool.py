"""sd-scripts, as a tool: its names, and the message where it is not found."""

from lorabench.train.external.tool import Tool
from lorabench.train.kohya import docker

TOOL = Tool(
    name="sd-scripts",
    trainer="kohya",
    folder="sd_scripts",
    variable="SD_SCRIPTS_DIR",
    marker="train_network.py",
    in_container="/app/sd-scripts",
    programs="",
    missing=f"trainer=kohya: there is no docker here to start sd-scripts in.\n{docker.WAYS}",
    start=docker.start,
)
