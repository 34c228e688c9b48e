"""Trains nothing, as kohya's program of this name trains: options, output, files and faults.

FAKE_KOHYA names what goes wrong: no-file, nan-file, zero-file, nan-loss, lost, crash, oom, hang or
kill=STEP. FAKE_MOUNTS maps the paths of a container to real ones. FAKE_RECORD is a file for the
options as they were understood.
"""

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

PARSERS = Path(__file__).parents[2] / "parsers" / "sd-scripts-0.11.1.json"
TYPES = {"text": str, "integer": int, "number": float}
FAULT = os.environ.get("FAKE_KOHYA", "")
MODULES = {
    "train_network": (
        "lora_te_text_model_encoder_layers_0_mlp_fc1",
        "lora_unet_mid_block_attentions_0_proj_in",
    ),
    "flux_train_network": ("lora_unet_double_blocks_0_img_attn_qkv",),
    "hunyuan_image_train_network": (
        "lora_unet_double_blocks_0_img_mlp_fc1",
        "lora_unet_single_blocks_0_modulation_linear",
    ),
}
FILES = {
    "flux_train_network": ("clip_l", "t5xxl", "ae"),
    "hunyuan_image_train_network": ("text_encoder", "byt5", "vae"),
}


def make_parser(program):
    """The recorded options of the real program."""
    parser = argparse.ArgumentParser(prog=f"{program}.py")
    recorded = json.loads(PARSERS.read_text())
    for name, kind in {**recorded["shared"], **recorded["programs"][program]}.items():
        kind, _, choices = kind.partition(" of ")
        if kind == "flag":
            parser.add_argument(f"--{name}", action="store_true")
            continue
        how = {
            "type": TYPES[kind.removesuffix("s")],
            "choices": choices.split("|") if choices else None,
        }
        parser.add_argument(f"--{name}", nargs="*" if kind.endswith("s") else None, **how)
    parser.set_defaults(caption_extension=".caption")
    return parser


def read_options(program):
    parser = make_parser(program)
    given = parser.parse_args()
    config = tomllib.loads(real(given.config_file).read_text("utf-8"))
    return parser.parse_args(namespace=argparse.Namespace(**config))


def real(path):
    for there, here in json.loads(os.environ.get("FAKE_MOUNTS", "{}")).items():
        if Path(path).is_relative_to(there):
            return Path(here) / Path(path).relative_to(there)
    return Path(path)


def main(program):
    options = read_options(program)
    if record := os.environ.get("FAKE_RECORD"):
        Path(record).write_text(json.dumps({**vars(options), "program": program}))
    for name in FILES.get(program, ()):
        assert real(getattr(options, name)).exists(), name
    print("prepare images.")
    dataset = tomllib.loads(real(options.dataset_config).read_text("utf-8"))
    learnt, *apart = dataset["datasets"]
    assert all(one["validation_split"] == 1 for one in apart)
    held_out = [one for dataset in apart for one in found(dataset, False)]
    pictures = found(learnt, False)
    pictures += regularization(found(learnt, True), len(pictures))
    if not pictures:
        print("No data found. Please verify arguments")
        return
    captions = [picture.with_suffix(options.caption_extension) for picture in pictures]
    missing = sum(not caption.is_file() for caption in captions)
    if missing:
        print(f"No caption file found for {missing} images. Training will continue without")
    go_wrong_at_once()
    Training(program, options, pictures, held_out).run()


def found(dataset, is_reg):
    return [
        picture
        for subset in dataset["subsets"]
        if subset.get("is_reg", False) == is_reg
        for picture in sorted(real(subset["image_dir"]).glob("*.png"))
        for _ in range(subset["num_repeats"])
    ]


def regularization(pictures, wanted):
    """Those that the real one takes: the first, and again from the first one on."""
    return [pictures[n % len(pictures)] for n in range(wanted)] if pictures else []


def go_wrong_at_once():
    if FAULT == "crash":
        raise ValueError("the optimizer does not exist")
    if FAULT == "oom":
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
    if FAULT == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        print(f"hanging {os.getpid()} {child.pid}", flush=True)
        time.sleep(300)


class Training:
    def __init__(self, program, options, pictures, held_out):
        from PIL import Image  # not for --help, which is asked for in each test

        self.modules = MODULES.get(program, MODULES["train_network"])
        self.options, self.held_out = options, held_out
        self.folder = real(options.output_dir)
        sizes = Counter(Image.open(picture).size for picture in pictures)
        batches = sum(math.ceil(n / options.train_batch_size) for n in sizes.values())
        self.per_epoch = math.ceil(batches / options.gradient_accumulation_steps)
        self.weight, self.first_epoch = 0.0, 0
        if options.resume:
            state = json.loads((real(options.resume) / "train_state.json").read_text())
            self.weight = state["weight"]
            self.first_epoch = state["current_step"] // self.per_epoch
        if options.initial_epoch:
            self.first_epoch = options.initial_epoch - 1
        self.dealt = 0  # the epoch that the pictures are dealt for

    def run(self):
        from tqdm import tqdm

        options = self.options
        step = 0  # counted from where it went on, as the real one does
        bar = tqdm(range(options.max_train_steps), smoothing=0, desc="steps")
        epochs = math.ceil(options.max_train_steps / self.per_epoch)
        for epoch in range(self.first_epoch, epochs):
            for _ in range(self.per_epoch):
                self.weight = (self.weight * 1.01 + 0.01 * (self.dealt + 1)) % 1
                self.dealt = epoch + 1  # from the second batch on
                step += 1
                bar.update(1)
                if options.save_every_n_steps and step % options.save_every_n_steps == 0:
                    self.save(f"-step{step:08d}", step, epoch)
                bar.set_postfix(avr_loss=self.loss(step))
                if f"kill={self.first_epoch * self.per_epoch + step}" == FAULT:
                    os.kill(os.getpid(), signal.SIGKILL)
                if step >= options.max_train_steps:
                    break
            if options.max_data_loader_n_workers:
                self.dealt = 0  # the worker of the next epoch does not know of this one
            done = epoch + 1
            self.validate(done)
            if done % options.save_every_n_epochs == 0 and done < epochs:
                self.save(f"-{done:06d}", step, done)
                self.save_state(done, step)
        if FAULT != "no-file":
            self.save("", step, epochs)

    def loss(self, step):
        if FAULT == "nan-loss" and step == 2:
            return math.nan
        return 1 / (step + 1) if FAULT != "lost" else 0.1 if step < 12 else 1

    def validate(self, epoch):
        from tqdm import tqdm

        if not self.held_out or epoch % self.options.validate_every_n_epochs:
            return
        steps = 4 * len(self.held_out)
        bar = tqdm(range(steps), smoothing=0, desc="epoch validation steps")
        for step in range(1, steps + 1):
            bar.update(1)
            loss = self.weight + step / steps
            bar.set_postfix({"val_epoch_avg_loss": loss, "timestep": 200 * ((step - 1) % 4 + 1)})

    def save(self, suffix, steps, epoch):
        import numpy as np
        from safetensors.numpy import save_file

        rank = self.options.network_dim
        up = {"nan-file": math.nan, "zero-file": 0.0}.get(FAULT, self.weight)
        tensors = {}
        for module in self.modules:
            tensors[f"{module}.lora_down.weight"] = np.full((rank, 8), 0.1, np.float16)
            tensors[f"{module}.lora_up.weight"] = np.full((8, rank), up, np.float16)
            tensors[f"{module}.alpha"] = np.array(self.options.network_alpha, np.float16)
        metadata = {"ss_network_dim": str(rank), "ss_steps": str(steps), "ss_epoch": str(epoch)}
        save_file(
            tensors, self.folder / f"{self.options.output_name}{suffix}.safetensors", metadata
        )

    def save_state(self, epoch, step):
        name, every = self.options.output_name, self.options.save_every_n_epochs
        folder = self.folder / f"{name}-{epoch:06d}-state"
        folder.mkdir(exist_ok=True)
        state = {"current_step": step, "weight": self.weight}
        (folder / "train_state.json").write_text(json.dumps(state))
        (folder / "random_states_0.pkl").write_bytes(b"...")
        shutil.rmtree(self.folder / f"{name}-{epoch - every:06d}-state", ignore_errors=True)
        if self.options.save_last_n_epochs:
            old = self.folder / f"{name}-{epoch - every:06d}.safetensors"
            old.unlink(missing_ok=True)


if __name__ == "__main__":
    main("train_network")
