"""musubi-tuner, as a tool: its names, and the message where it is not found."""

from lorabench.train.external.tool import Tool

TOOL = Tool(
    name="musubi-tuner",
    trainer="musubi",
    folder="musubi_tuner",
    variable="MUSUBI_DIR",
    marker="src/musubi_tuner/cache_latents.py",
    in_container="/app/musubi-tuner",
    programs="src/musubi_tuner/",
    missing="trainer=musubi: nothing says where musubi-tuner is. There are two ways (see "
    "docs/families.md):\n"
    "  MUSUBI_DIR=/path/to/musubi-tuner: a checkout on this machine\n"
    "  musubi: {launcher: …} in config/config.yaml: a command that starts programs in a container",
)
