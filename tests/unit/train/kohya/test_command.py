"""What sd-scripts is told: the two TOML files and the command line."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from lorabench.train import data
from lorabench.train.external import subsets
from lorabench.train.external.hardware import Hardware
from lorabench.train.kohya import command
from lorabench.train.kohya.resume import State
from tests.kohya import HERE, SIZES, make_training
from tests.training import make_set, settings

CPU = Hardware("cpu", "fp32")
GPU = Hardware("cuda", "bf16")


def config(folder, hardware=CPU, **changes):
    return command.config(make_training(folder, **changes), HERE, hardware)


def test_the_settings_become_options(tmp_path):
    made = config(
        tmp_path,
        hardware=GPU,
        rank=32,
        alpha=16,
        unet_lr=1e-4,
        text_encoder_lr=1e-5,
        scheduler="cosine_with_restarts",
        restarts=2,
        warmup_steps=5,
        steps=100,
        gradient_accumulation=2,
        clip_skip=2,
        flip=True,
        caption_dropout=0.1,
        noise_offset=0.05,
    )
    expected = {
        "network_dim": 32,
        "network_alpha": 16,
        "learning_rate": 1e-4,
        "unet_lr": 1e-4,
        "text_encoder_lr": [1e-5],
        "network_train_unet_only": False,
        "network_train_text_encoder_only": False,
        "lr_scheduler": "cosine_with_restarts",
        "lr_scheduler_num_cycles": 2,
        "lr_warmup_steps": 5,
        "max_train_steps": 100,
        "train_batch_size": 2,
        "gradient_accumulation_steps": 2,
        "clip_skip": 2,
        "flip_aug": True,
        "caption_dropout_rate": 0.1,
        "noise_offset": 0.05,
        "min_snr_gamma": 5.0,
        "mixed_precision": "bf16",
        "optimizer_args": ["weight_decay=0.01"],
        "seed": 42,
        "max_data_loader_n_workers": 1,
        "v_parameterization": False,
    }
    assert {name: made.get(name) for name in expected} == expected


def test_what_is_off_is_left_out(tmp_path):
    made = config(tmp_path, text_encoder_lr=0, min_snr_gamma=0, noise_offset=0)
    assert made["network_train_unet_only"]
    left_out = {"text_encoder_lr", "min_snr_gamma", "noise_offset", "clip_skip"}
    assert not left_out & set(made)
    assert made["mixed_precision"] == "no"


@pytest.mark.parametrize(
    ("family", "changes", "cached"),
    [
        ("sdxl", {"text_encoder_lr": 0}, True),
        ("sdxl", {}, None),
        ("sdxl", {"text_encoder_lr": 0, "shuffle_caption": True}, None),
        ("sdxl", {"text_encoder_lr": 0, "caption_dropout": 0.1}, None),
        ("sdxl", {"text_encoder_lr": 0, "kohya_args": {"caption_tag_dropout_rate": 0.1}}, None),
        ("sd15", {"text_encoder_lr": 0}, None),
    ],
)
def test_sdxls_captions_are_encoded_once_where_they_stay(tmp_path, family, changes, cached):
    made = config(tmp_path, family=family, sizes=((64, 64), (64, 64)), **changes)
    assert made.get("cache_text_encoder_outputs") is cached


def test_v_prediction_without_a_last_signal_is_told(tmp_path):
    training = make_training(tmp_path, family="sdxl", sizes=((64, 64),))
    marked = replace(training.base, prediction="v_prediction", zero_snr=True)
    made = command.config(replace(training, base=marked), HERE, CPU)
    assert made["v_parameterization"] and made["zero_terminal_snr"]
    assert "zero_terminal_snr" not in command.config(training, HERE, CPU)


def test_both_trainers_have_the_same_optimizers(tmp_path):
    assert config(tmp_path, optimizer_type="AdamW8bit")["optimizer_type"] == "AdamW8bit"


def test_a_constant_rate_with_a_warm_up_is_another_scheduler_there(tmp_path):
    assert config(tmp_path / "a", scheduler="constant")["lr_scheduler"] == "constant"
    warm = config(tmp_path / "b", scheduler="constant", warmup_steps=2)
    assert warm["lr_scheduler"] == "constant_with_warmup"


@pytest.mark.parametrize(
    ("family", "sizes", "resolution", "step"),
    [
        ("sd15", SIZES, "128,128", 64),
        ("sd15", ((512, 512), (384, 640)), "512,512", 64),
        ("sd15", ((384, 640),), "512,512", 64),
        ("sdxl", ((96, 64), (64, 96)), "96,96", 32),
    ],
)
def test_every_picture_is_its_own_bucket(tmp_path, family, sizes, resolution, step):
    made = config(tmp_path, family=family, sizes=sizes)
    assert made["resolution"] == resolution
    assert made["enable_bucket"] and made["bucket_no_upscale"]
    assert made["bucket_reso_steps"] == step
    side = int(resolution.split(",")[0])
    assert made["min_bucket_reso"] <= side <= made["max_bucket_reso"]
    # sd-scripts shrinks what is larger than the resolution, and crops to the step
    assert all(width * height <= side * side for width, height in sizes)
    assert all(edge % step == 0 for size in sizes for edge in size)


def test_a_larger_picture_that_is_held_out_is_not_shrunk(tmp_path):
    training = make_training(tmp_path, sizes=((64, 64), (64, 64), (128, 64)), validation=0.1)
    learnt, held_out = training.pictures.pictures, training.pictures.held_out
    larger = next(one for one in (*learnt, *held_out) if one.size == (128, 64))
    others = [one for one in (*learnt, *held_out) if one is not larger]
    pictures = replace(training.pictures, pictures=others, held_out=[larger])
    made = command.config(replace(training, pictures=pictures), HERE, CPU)
    assert made["resolution"] == "128,128" and made["max_bucket_reso"] == 128


def test_the_users_options_replace_ours_on_the_command_line(tmp_path):
    given = {"optimizer_type": "AdamW8bit", "sdpa": False, "network_args": ["conv_dim=4", "a=b"]}
    training = make_training(tmp_path, kohya_args=given)
    assert not set(given) & set(command.config(training, HERE, CPU))
    words = command.command(training, HERE, CPU, None)
    assert "--optimizer_type=AdamW8bit" in words
    assert words[words.index("--network_args") :][:3] == ["--network_args", "conv_dim=4", "a=b"]
    assert not any(word.startswith("--sdpa") for word in words)


def test_the_launcher_of_accelerate_is_told_the_machine(tmp_path):
    here = replace(HERE, accelerate=("--gpu_ids", "1"))
    training = make_training(tmp_path, threads=3)
    words = command.command(training, here, GPU, None)
    assert words[:2] == ["-m", "accelerate.commands.launch"]
    assert "--cpu" not in words and "--cpu" in command.command(training, HERE, CPU, None)
    assert {"--num_cpu_threads_per_process=3", "--mixed_precision=bf16"} <= set(words)
    assert words.index("--gpu_ids") < words.index("/sd/train_network.py")
    assert "--console_log_simple" in words


def test_it_goes_on_from_a_state_and_ends_at_the_right_step(tmp_path):
    # three batches an epoch: 12 steps end with an epoch, 11 within one
    for steps, extra in ((12, None), (11, "--save_every_n_steps=5")):
        training = make_training(tmp_path / str(steps), steps=steps)
        words = command.command(training, HERE, CPU, State(Path("/s"), 2, 6))
        assert {"--resume=/s", "--initial_epoch=3"} <= set(words)
        assert [w for w in words if w.startswith("--save_every")] == ([extra] if extra else [])


def test_a_container_is_told_its_own_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = ((tmp_path / "output", PurePosixPath("/o")), (tmp_path, PurePosixPath("/p")))
    there = replace(HERE, folder="/app", launcher=("docker",), paths=folders)
    training = make_training(tmp_path)
    made = command.config(training, there, CPU)
    assert made["pretrained_model_name_or_path"] == "/p/base.safetensors"
    assert made["output_dir"].startswith("/o/kohya/style_x-")
    dataset = command.dataset(training, there)["datasets"][0]["subsets"][0]
    assert dataset == {"image_dir": "/p/set/images", "num_repeats": 1}
    words = command.command(training, there, CPU, None)
    assert f"--config_file={made['output_dir']}/config.toml" in words


def with_repeats(folder, repeats):
    """Return a training of a set whose pictures count so many times."""
    training = make_training(folder)
    rows = [f"p{number}.png,{count}" for number, count in enumerate(repeats)]
    (folder / "set" / "preprocess_log.csv").write_text("\n".join(["result,repeats", *rows]))
    pictures = data.read_set(folder / "set", training.settings)
    return replace(training, pictures=pictures)


def test_one_number_of_repeats_is_that_of_the_sets_own_folder(tmp_path):
    training = with_repeats(tmp_path, [5] * 4)
    (subset,) = command.dataset(training, HERE)["datasets"][0]["subsets"]
    assert subset == {"image_dir": str(tmp_path / "set" / "images"), "num_repeats": 5}
    assert training.steps_per_epoch == 8 + 3  # three pictures of one size, by two; one of another


def test_several_numbers_of_repeats_have_a_folder_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    training = with_repeats(tmp_path, [10, 1, 1, 10])
    training.folder.mkdir(parents=True)
    for _ in range(2):  # again, after a kill
        subsets.lay(training)
    found = {
        subset["num_repeats"]: sorted(path.name for path in Path(subset["image_dir"]).iterdir())
        for subset in command.dataset(training, HERE)["datasets"][0]["subsets"]
    }
    assert found == {
        1: ["p1.png", "p1.txt", "p2.png", "p2.txt"],
        10: ["p0.png", "p0.txt", "p3.png", "p3.txt"],
    }


def test_regularization_and_held_out_pictures_have_subsets_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = make_training(tmp_path)
    reg = make_set(tmp_path / "reg", [(64, 64)] * 2)
    taken = data.read_set(tmp_path / "set", settings(validation=0.3, prior_loss_weight=0.5), reg)
    training = replace(made, pictures=taken)
    training.folder.mkdir(parents=True)
    subsets.lay(training)
    learnt, apart = command.dataset(training, HERE)["datasets"]
    own, first, second = learnt["subsets"]  # three are learnt: one is shown twice, one once
    assert len(list(Path(own["image_dir"]).glob("*.png"))) == 3 and "is_reg" not in own
    assert [(one["num_repeats"], one["is_reg"]) for one in (first, second)] == [
        (1, True),
        (2, True),
    ]
    assert apart["validation_split"] == 1.0
    (subset,) = apart["subsets"]
    (picture,) = Path(subset["image_dir"]).glob("*.png")
    assert picture.name == taken.held_out[0].path.name
    assert (subset["flip_aug"], subset["shuffle_caption"]) == (False, False)
    written = command.config(training, HERE, CPU)
    assert (written["prior_loss_weight"], written["validate_every_n_epochs"]) == (0.5, 1)
    plain = command.config(make_training(tmp_path / "plain"), HERE, CPU)
    assert not {"prior_loss_weight", "validate_every_n_epochs", "validation_seed"} & plain.keys()


@pytest.mark.parametrize(
    ("changes", "steps", "epochs", "every", "kept"),
    [
        ({"steps": 12}, 12, 4, 1, []),
        ({"steps": 11}, 11, 4, 1, []),
        ({"steps": 120}, 120, 40, 4, []),
        ({"epochs": 5}, 15, 5, 1, []),
        ({"epochs": 5, "gradient_accumulation": 2}, 10, 5, 1, []),
        ({"epochs": 40, "save_every_epochs": 10}, 120, 40, 2, [10, 20, 30]),
        ({"epochs": 3, "save_every_epochs": 1}, 9, 3, 1, [1, 2]),
    ],
)
def test_the_length_of_a_training(tmp_path, changes, steps, epochs, every, kept):
    training = make_training(tmp_path, **changes)
    assert (training.steps, training.epochs) == (steps, epochs)
    assert (training.save_every, training.kept_epochs) == (every, kept)
    saving = command.config(training, HERE, CPU)
    assert saving["save_every_n_epochs"] == every
    assert saving.get("save_last_n_epochs") == (None if kept else 1)
