"""Encodes and trains nothing, as musubi-tuner does it: options, output, files and faults.

FAKE_KOHYA names what goes wrong: crash, no-file or kill=STEP, counted from where the call began.
FAKE_RECORD is a file for the options of the training as they were understood.
"""

import argparse
import json
import math
import os
import signal
import tomllib
from collections import Counter
from pathlib import Path

PARSERS = Path(__file__).parents[3] / "parsers" / "musubi-tuner-0.3.4.json"
TYPES = {"text": str, "integer": int, "number": float}
FAULT = os.environ.get("FAKE_KOHYA", "")
MODULES = ("attention_to_q", "attention_to_out_0", "feed_forward_w1")


def make_parser(program):
    parser = argparse.ArgumentParser(prog=f"{program}.py")
    for name, kind in json.loads(PARSERS.read_text())["programs"][program].items():
        kind, _, choices = kind.partition(" of ")
        if kind == "flag":
            parser.add_argument(f"--{name}", action="store_true")
            continue
        how = {"choices": choices.split("|")} if choices else {}
        nargs = "*" if kind.endswith("s") else None
        parser.add_argument(f"--{name}", nargs=nargs, type=TYPES[kind.removesuffix("s")], **how)
    return parser


def datasets(path):
    config = tomllib.loads(Path(path).read_text("utf-8"))
    assert config["general"]["bucket_no_upscale"]
    return [(one, sorted(Path(one["image_directory"]).glob("*.png"))) for one in config["datasets"]]


def latents(program):
    options = make_parser(program).parse_args()
    assert Path(options.vae).exists()
    encode(options, "latent")


def captions(program):
    options = make_parser(program).parse_args()
    assert Path(options.text_encoder).exists()
    encode(options, "te")


def encode(options, kind):
    from tqdm import tqdm

    if FAULT == "crash":
        raise ValueError("the autoencoder does not fit")
    for dataset, pictures in datasets(options.dataset_config):
        folder = Path(dataset["cache_directory"])
        folder.mkdir(exist_ok=True)
        for picture in tqdm(pictures):
            assert kind != "te" or picture.with_suffix(".txt").read_text()
            with (folder / f"{picture.stem}_{kind}").open("a") as file:
                file.write("encoded\n")


def train(program):
    parser = make_parser(program)
    config = tomllib.loads(Path(parser.parse_args().config_file).read_text("utf-8"))
    options = parser.parse_args(namespace=argparse.Namespace(**config))
    if record := os.environ.get("FAKE_RECORD"):
        Path(record).write_text(json.dumps(vars(options)))
    batches = sum(batches_of(dataset, pictures, options) for dataset, pictures in
                  datasets(options.dataset_config))  # fmt: skip
    if not batches:
        raise ValueError("No training items found in the dataset.")
    Training(options, math.ceil(batches / options.gradient_accumulation_steps)).run()


def batches_of(dataset, pictures, options):
    from PIL import Image

    size = tomllib.loads(Path(options.dataset_config).read_text("utf-8"))["general"]["batch_size"]
    folder = Path(dataset["cache_directory"])
    encoded = [
        picture
        for picture in pictures
        if all((folder / f"{picture.stem}_{kind}").exists() for kind in ("latent", "te"))
    ]
    sizes = Counter(Image.open(picture).size for picture in encoded)
    return sum(math.ceil(n * dataset["num_repeats"] / size) for n in sizes.values())


class Training:
    """It counts epochs and steps from 0, resumed or not."""

    def __init__(self, options, per_epoch):
        self.options, self.per_epoch = options, per_epoch
        self.folder, self.weight = Path(options.output_dir), 0.0
        if options.resume:
            self.weight = json.loads((Path(options.resume) / "weight.json").read_text())

    def run(self):
        from tqdm import tqdm

        options = self.options
        step, epochs = 0, math.ceil(options.max_train_steps / self.per_epoch)
        bar = tqdm(range(options.max_train_steps), smoothing=0, desc="steps")
        for epoch in range(1, epochs + 1):
            print(f"\nepoch {epoch}/{epochs}")
            for _ in range(self.per_epoch):
                if step == 0:
                    bar.reset()
                bar.update(1)
                step, self.weight = step + 1, self.weight + 0.01
                if options.save_every_n_steps and step % options.save_every_n_steps == 0:
                    self.save(f"-step{step:08d}", step, epoch)
                bar.set_postfix(avr_loss=1 / (step + 1))
                if f"kill={step}" == FAULT:
                    os.kill(os.getpid(), signal.SIGKILL)
                if step >= options.max_train_steps:
                    break
            if epoch % options.save_every_n_epochs == 0 and epoch < epochs:
                self.save(f"-{epoch:06d}", step, epoch)
                self.save_state(epoch)
        if FAULT != "no-file":
            self.save("", step, epochs)

    def save(self, suffix, steps, epoch):
        import numpy as np
        from safetensors.numpy import save_file

        rank, tensors = self.options.network_dim, {}
        for module in (f"lora_unet_layers_0_{name}" for name in MODULES):
            tensors[f"{module}.lora_down.weight"] = np.full((rank, 8), 0.1, np.float16)
            tensors[f"{module}.lora_up.weight"] = np.full((8, rank), self.weight, np.float16)
            tensors[f"{module}.alpha"] = np.array(self.options.network_alpha, np.float16)
        said = {"ss_steps": steps, "ss_epoch": epoch, "ss_seed": self.options.seed}
        said["ss_output_name"] = self.options.output_name
        name = f"{self.options.output_name}{suffix}.safetensors"
        save_file(tensors, self.folder / name, {key: str(value) for key, value in said.items()})

    def save_state(self, epoch):
        folder = self.folder / f"{self.options.output_name}-{epoch:06d}-state"
        folder.mkdir(exist_ok=True)
        (folder / "weight.json").write_text(json.dumps(self.weight))
        (folder / "random_states_0.pkl").write_bytes(b"...")
