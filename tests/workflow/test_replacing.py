"""Pictures that are rendered again stay until the new ones are there."""

import os
import signal
import subprocess
import time

from lorabench import files
from tests.faults.server import working
from tests.loras import save_lora


def test_what_is_rendered_again_stays_until_it_is_there(project, tmp_path):
    with working(0.05) as (fake, work):
        fake.has_models(project.root / "models")
        lora = save_lora(tmp_path / "style.safetensors")
        config = {"weights": "0.4", "seeds": "1,2", "comfy_url": fake.url, "lora": str(lora)}
        config["bench"] = "{checkpoint: drawnworld}"
        first = ("--until", "bench_image")
        project.snakemake(*first, **config)
        pictures = {path: path.read_bytes() for path in project.root.glob("runs/*/bench/w*/*.png")}
        assert len(pictures) == 4

        def there():
            return {path: path.read_bytes() for path in pictures if path.exists()}

        work.seconds = 60
        for number in (signal.SIGKILL, signal.SIGTERM):
            asked = len(fake.prompts)
            process = subprocess.Popen(
                project.command(*first, "--forcerun", "bench_image", **config),
                cwd=project.root, start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            while len(fake.prompts) == asked:
                assert process.poll() is None
                time.sleep(0.05)
            os.killpg(process.pid, number)
            process.wait(60)
            assert there() == pictures

        # Killed or stopped, a cell is made again for a change, and so is one that failed.
        work.seconds = 0.05
        fake.rejection = 400, {"error": {"message": "no"}}
        changed = {**config, "positive": "another"}
        failed = project.snakemake(*first, check=False, **changed)
        assert failed.returncode == 1
        assert "Restored" not in failed.stdout
        assert there() == pictures
        assert all(map(files.is_outdated, pictures))
        fake.rejection = None
        said = project.snakemake(*first, **changed).stdout
        assert "4 to render" in said
        assert not {*pictures.values()} & {*there().values()}
        assert not any(map(files.is_outdated, pictures))
        assert project.planned(*first, **changed) == {}
