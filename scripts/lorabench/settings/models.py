"""Every setting: its name, type, default and meaning. The only place that knows them.

The schema, the commented default file and the key table of the docs are generated from these
models (`scripts/config_docs.py`).
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from lorabench.settings.mappings import Folders, ModelFiles, Options
from lorabench.settings.servers import EMBEDDED, servers
from lorabench.settings.types import (
    COLOUR,
    Epochs,
    LocalPath,
    Name,
    Places,
    Probing,
    Prompts,
    Searching,
    Seed,
    Size,
    Text,
    Trigger,
    Weight,
    decimal_points,
    split,
    unique,
)
from lorabench.settings.validation import Section, sections

BUNDLED_BASE = "models/checkpoints/drawnworld"


class PreprocessSettings(Section):
    """How to turn raw pictures into a training set."""

    resolution: int = Field(ge=64, le=4096, description="px; buckets have about this area squared")
    bucket_step: int = Field(
        ge=8, le=512, multiple_of=8, description="px; bucket edges are multiples of it"
    )
    bucket_min: int = Field(ge=32, le=4096, description="px; shortest bucket edge")
    bucket_max: int = Field(ge=64, le=8192, description="px; longest bucket edge")
    max_aspect: float = Field(
        3.0, ge=1, le=20, description="longer to shorter edge; a picture beyond it is rejected"
    )
    min_size: int = Field(
        ge=1, le=8192, description="px; a picture with a shorter edge is rejected"
    )
    max_upscale: float = Field(
        1.5, ge=1, le=8, description="a picture is never enlarged by more than this factor"
    )
    max_pixels: float = Field(
        100,
        gt=0,
        le=2000,
        description="million pixels; a larger picture is rejected as a decompression bomb",
    )
    background: str = Field("#ffffff", pattern=COLOUR, description="colour put behind transparency")
    trigger: Trigger = Field(
        "",
        description="caption of pictures without one; in settings, the same as `trigger`",
        json_schema_extra={"follows": "trigger"},
    )
    duplicate_distance: int = Field(
        4,
        ge=-1,
        le=64,
        description="bits of the perceptual hash; pictures that differ by no more are duplicates; "
        "-1: only identical files",
    )

    @model_validator(mode="after")
    def _bucket_limits_agree(self) -> "PreprocessSettings":
        if not self.bucket_min <= self.resolution <= self.bucket_max:
            raise ValueError(
                f"bucket_min {self.bucket_min} <= resolution {self.resolution} <= "
                f"bucket_max {self.bucket_max} does not hold"
            )
        if self.resolution % self.bucket_step:
            raise ValueError(
                f"resolution {self.resolution} is no multiple of bucket_step {self.bucket_step}"
            )
        return self


class TrainSettings(Section):
    """How to train the LoRA; names and meanings are kohya's if it has them."""

    rank: int = Field(ge=1, le=1024, description="network_dim: rank of the LoRA")
    alpha: float = Field(gt=0, le=1024, description="network_alpha: scale is alpha / rank")
    unet_lr: float = Field(ge=0, le=1e6, description="learning rate of the UNet's LoRA")
    text_encoder_lr: float = Field(
        ge=0, le=1e6, description="learning rate of the text encoder's LoRA; 0: not trained"
    )
    optimizer_type: Literal["AdamW", "AdamW8bit"] = Field(
        "AdamW",
        description="`AdamW`, or `AdamW8bit`, whose state takes a quarter of the memory, on CUDA "
        "with the package bitsandbytes; others of sd-scripts: `kohya_args`",
    )
    weight_decay: float = Field(0.01, ge=0, le=1, description="AdamW's weight decay")
    scheduler: Literal["constant", "cosine", "cosine_with_restarts"] = Field(
        description="`constant`, `cosine` or `cosine_with_restarts`"
    )
    warmup_steps: int = Field(0, ge=0, description="steps of linear warm-up")
    restarts: int = Field(3, ge=1, le=100, description="cycles of cosine_with_restarts")
    steps: int | None = Field(ge=1, description="optimizer steps; empty: counted from epochs")
    epochs: int | None = Field(None, ge=1, description="passes over the set; instead of steps")
    batch_size: int = Field(ge=1, le=256, description="pictures per step")
    gradient_accumulation: int = Field(1, ge=1, le=256, description="batches per optimizer step")
    gradient_checkpointing: bool = Field(False, description="less memory, more time")
    max_grad_norm: float = Field(1.0, ge=0, description="gradient clipping; 0: off")
    min_snr_gamma: float = Field(5.0, ge=0, description="min-SNR loss weighting; 0: off")
    noise_offset: float = Field(ge=0, le=1, description="brightness noise per picture; 0: off")
    caption_dropout: float = Field(
        0.0, ge=0, le=1, description="share of captions replaced by an empty one"
    )
    shuffle_caption: bool = Field(False, description="shuffle the comma-separated tags")
    keep_tokens: int = Field(1, ge=0, description="leading tags that shuffling leaves in place")
    flip: bool = Field(False, description="mirror half of the pictures")
    clip_skip: int = Field(1, ge=1, le=12, description="text encoder layer from the end; 1: last")
    cache_latents: bool = Field(True, description="encode each picture once")
    save_every_epochs: int = Field(
        0, ge=0, description="keep the LoRA as it is after so many epochs; 0: none; see `epochs`"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: bf16 or fp16 where the hardware has it, fp32 on CPU"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: CUDA when present")
    threads: int = Field(
        ge=1, le=256, description="CPU threads; the number changes the low bits of the result"
    )
    seed: int = Field(42, ge=0, lt=2**32, description="the same seed gives the same LoRA on CPU")
    validation: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="share of the pictures that is kept from training; the loss on them is "
        "measured at ends of epochs; 0: none",
    )
    prior_loss_weight: float = Field(
        1.0, ge=0, le=100, description="weight of the loss on the regularization pictures"
    )
    kohya_args: Options = Field(
        {},
        description="options of sd-scripts or musubi-tuner itself; they override those made from "
        "these settings; true: a bare flag, false: leave it out",
    )

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave later settings out where they change nothing: records and digests stay equal."""
        same = {name for name in LATER if getattr(self, name) == _default(name)}
        return {name: value for name, value in write(self).items() if name not in same}

    @model_validator(mode="after")
    def _one_length(self) -> "TrainSettings":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give steps or epochs, one of the two")
        if not self.unet_lr and not self.text_encoder_lr:
            raise ValueError("unet_lr and text_encoder_lr are both 0: nothing would be trained")
        return self


LATER = ("validation", "prior_loss_weight", "optimizer_type")
"""Settings of the training that version 0.2 did not have."""


def _default(name: str) -> Any:
    return TrainSettings.model_fields[name].default


class BenchSettings(Section):
    """How to render the benchmark."""

    checkpoint: Text | None = Field(
        None,
        description="name of the checkpoint, or of the model's file, for the workflow's loader; "
        "empty: on the embedded server the base model, on a ComfyUI the one that the workflow "
        "names",
    )
    size: Size | None = Field(
        None,
        description="px of the pictures, such as 832x1216; empty: the workflow's own",
    )
    lora_node: Text | None = Field(
        None,
        description="the LoraLoader that gets the LoRA, by id or title; of a LoRA of two files, "
        "both with a comma between them, that for high noise first",
    )
    sampler_node: Text | None = Field(
        None, description="the only sampler that gets the seed; empty: all that add noise"
    )
    positive_node: Text | None = Field(None, description="the node with the prompt")
    negative_node: Text | None = Field(None, description="the node with the negative prompt")
    latent_node: Text | None = Field(None, description="the node with the batch size")
    save_node: Text | None = Field(None, description="the SaveImage that is fetched")
    difference_maps: bool = Field(
        False, description="also make grids of the difference from weight 0"
    )
    timeout: float = Field(1800, gt=0, description="seconds that one cell may take on the server")
    threads: int = Field(
        ge=1, le=256, description="CPU threads of the embedded server; changes the low bits"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="device of the embedded server and of the embedding"
    )
    idle_timeout: float = Field(
        120, gt=0, description="seconds without work after which the embedded server stops"
    )
    embedding: LocalPath = Field(
        "",
        description="further metrics: the folder of a CLIP, SigLIP or DINO model that transformers "
        "loads, that of a CCIP (ONNX), or `base` for the base model's own features; empty: none",
    )

    @property
    def nodes(self) -> dict[str, str | None]:
        """The nodes that the user named, by their roles."""
        return {key.removesuffix("_node"): node for key, node in self if key.endswith("_node")}


class VerdictSettings(Section):
    """The limits of the verdict; docs/verdict.md says where they come from."""

    style: float = Field(
        0.2, ge=0, le=1, description="share of the way to the training set; less is weak"
    )
    change: float = Field(0.15, ge=0, le=2, description="1 - SSIM to weight 0; less is weak")
    outside: float = Field(
        0.03,
        ge=0,
        le=1,
        description="share of measurements outside the range of base model and training set; "
        "more is fried",
    )
    beside: float = Field(
        8,
        ge=0,
        description="change other than the style, in standard deviations of a descriptor; "
        "more is fried",
    )
    structure: float = Field(
        0.3, ge=-1, le=1, description="composition kept, as a correlation; less is fried"
    )
    likeness: float = Field(
        -1,
        ge=-1,
        le=1,
        description="how like a training picture's figure a picture's is; less is weak, -1 does "
        "not ask; with `profile=char`, 0.75 by default",
    )
    prompt_kept: float = Field(
        0.35,
        ge=-1,
        le=1,
        description="how much nearer a picture is to its own prompt's than to those of others, "
        "relative to weight 0; less is another subject; with `profile=char`, 0.1 by default",
    )
    prompts_apart: float = Field(
        0.4,
        ge=0,
        description="difference between prompts, relative to weight 0; less loses the subject",
    )
    copy_similarity: float = Field(
        0.92,
        ge=-1,
        le=1,
        description="correlation with the nearest training picture; more may be a copy",
    )
    copy_excess: float = Field(
        0.3,
        ge=0,
        le=2,
        description="a copy exceeds the correlation at weight 0 by at least this",
    )
    leak: float = Field(
        0.4,
        ge=0,
        description="style without the trigger words, relative to that with them; more leaks",
    )


class KohyaSettings(Section):
    """Where sd-scripts is; no part of a run's identity."""

    sd_scripts: LocalPath = Field(
        "",
        description="folder of sd-scripts; SD_SCRIPTS_DIR in the environment overrides it; "
        "empty with a launcher: /app/sd-scripts",
    )
    launcher: Text = Field(
        "",
        description="command that starts a program in the container, such as "
        "`docker exec -i my_container`; empty: `sd_scripts` on this machine, or a container that "
        "Docker starts",
    )
    paths: Folders = Field(
        {},
        description="for a launcher: folders here and their names in the container, such as "
        "`{datasets: /dataset}`",
    )
    accelerate: Text = Field("", description="further arguments of `accelerate launch`")


class MusubiSettings(Section):
    """Where musubi-tuner is; no part of a run's identity."""

    musubi_tuner: LocalPath = Field(
        "",
        description="folder of musubi-tuner; MUSUBI_DIR in the environment overrides it; empty "
        "with a launcher: /app/musubi-tuner",
    )
    launcher: Text = Field(
        "",
        description="command that starts a program in a container, such as "
        "`docker exec -i my_container`; empty: `musubi_tuner` on this machine",
    )
    paths: Folders = Field(
        {}, description="for a launcher: folders here and their names in the container"
    )
    accelerate: Text = Field("", description="further arguments of `accelerate launch`")


class Programs(Section):
    """Programs that users may replace by their own with the same options."""

    run_lora: LocalPath = Field(
        "scripts/run_lora.bash",
        description="trains with kohya; a replacement takes the same options",
    )
    resize: LocalPath = Field(
        "scripts/resize_dataset.py", description="normalizes; a replacement takes the same options"
    )


class TrainingSettings(Section):
    """The data, the base model and the trainer."""

    raw_set: Name = Field(
        "",
        description="folder name under datasets/raw/{style,characters}/; with `lora`, the pictures "
        "that it was trained on",
    )
    profile: Literal["style", "char"] = Field(
        "style",
        description="`style` or `char` (`char` reads datasets/raw/characters/); if not given, that "
        "of the folder with the set",
    )
    reg_set: Name | None = Field(
        None,
        description="regularization pictures, captioned without the trigger: another raw set, or "
        "`reg`, kohya's folder in the raw set; empty: none",
    )
    base_model: LocalPath = Field(
        BUNDLED_BASE,
        description="a .safetensors checkpoint or model, or a diffusers folder; if not given, the "
        "one that `bench_workflow` loads, where that lies in models/checkpoints/ or "
        "diffusion_models/; a LoRA that a ComfyUI benches needs none",
    )
    models: ModelFiles = Field(
        {},
        description="the files that a training reads beside `base_model`, by the trainer's names: "
        "`{clip_l: …, t5xxl: …, ae: …}`; a path, or a name in models/text_encoders/ or vae/, here "
        "or beside `lora_install_dir`; docs/families.md has those of each family",
    )
    trainer: Literal["embedded", "kohya", "musubi"] = Field(
        "embedded",
        description="`embedded` (diffusers + PEFT), `kohya` (sd-scripts) or `musubi` "
        "(musubi-tuner)",
    )
    preprocess: PreprocessSettings = Field(description="normalizing the pictures")
    train: TrainSettings = Field(description="training the LoRA")
    matrix: LocalPath | dict[str, Any] | None = Field(
        None,
        description="several trainings and one comparison: lists of values, each with each, such "
        "as `{rank: [8, 16], unet_lr: [2e-3, 4e-3]}`, or a CSV file with a row for each",
    )
    kohya: KohyaSettings = Field(KohyaSettings(), description="where sd-scripts is")
    musubi: MusubiSettings = Field(MusubiSettings(), description="where musubi-tuner is")
    strict: bool = Field(
        False, description="stop before a training that the set or its settings will spoil"
    )
    programs: Programs = Field(
        Programs(), description="programs that you may replace by your own with the same options"
    )


class SweepSettings(Section):
    """The settings for rendering, which are outside of a run's identity."""

    run_id: Name | None = Field(
        None, description="name of the run; empty: the raw set and a digest of what went in"
    )
    weights: Annotated[
        tuple[Weight, ...],
        BeforeValidator(split),
        BeforeValidator(decimal_points),
        AfterValidator(unique),
    ] = Field((0.4, 0.6, 0.8), min_length=1, description="LoRA strengths, a list or `0.4,0.6`")
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(split), AfterValidator(unique)] = Field(
        (123456789,), min_length=1, description="seeds, a list or `1,2,3`"
    )
    baseline: bool = Field(
        True, description="also render weight 0, the base model without the LoRA"
    )
    comfy_url: Annotated[tuple[str, ...], BeforeValidator(split), AfterValidator(servers)] = Field(
        EMBEDDED, min_length=1, description="`embedded`, or URLs of running ComfyUI servers"
    )
    bench_workflow: LocalPath = Field(
        description="workflow JSON, or a picture that ComfyUI drew; empty: one for the family of "
        "the base model or the LoRA"
    )
    positive: Text | None = Field(None, description="replaces the workflow's prompt")
    negative: Text | None = Field(None, description="replaces the workflow's negative prompt")
    trigger: Trigger = Field(
        "",
        description="the words that call the LoRA, and the caption of pictures without one; "
        "empty: the first tag, if captions share it",
    )
    prompts: Prompts = Field(
        description="prompts besides the workflow's own: a list, or a file with one per line; "
        "`{trigger}` stands for the trigger words, `{profile}` for the profile; `[]`: none"
    )
    probe: Probing = Field(
        description="extra pictures for the verdict, of the trigger words alone and of prompts "
        "without them: `full`, `quick` or `off`"
    )
    batch_size: int = Field(1, ge=1, le=64, description="pictures per cell")
    lora: Places | None = Field(
        None,
        description="bench this .safetensors file, from wherever it is, or several: a folder, a "
        "pattern such as `loras/ink*`, or a list; nothing is trained",
    )
    training_set: LocalPath | None = Field(
        None,
        description="with `lora`: the folder of pictures that it was trained on, from wherever it "
        "is; style and copies are judged against them; instead of `raw_set`",
    )
    epochs: Epochs = Field(
        "last",
        description="which states of the training to bench: `last`, `all` that it keeps, or "
        "`4,8,12` besides the last; without `train.save_every_epochs` it then keeps about eight",
    )
    search: Searching = Field(
        "off",
        description="`auto`: find the best LoRA and weight with a part of the pictures, stage by "
        "stage; `off`: render all weights and prompts",
    )
    pictures: int | None = Field(
        None, ge=1, description="with `search`: render at most so many pictures"
    )
    skip_train: bool = Field(
        False, description="bench the existing LoRA of `run_id`; `raw_set` only names its file"
    )
    lora_install_dir: LocalPath = Field(
        "models/loras", description="the folder that ComfyUI lists LoRAs from"
    )
    bench: BenchSettings = Field(description="rendering the benchmark")
    verdict: VerdictSettings = Field(VerdictSettings(), description="judging the LoRA")

    @model_validator(mode="after")
    def _differences_need_weight_0(self) -> "SweepSettings":
        if self.bench.difference_maps and 0 not in self.sweep:
            raise ValueError("bench.difference_maps: needs pictures at weight 0; set baseline=True")
        return self

    @property
    def only_benched(self) -> bool:
        """Whether a finished LoRA is benched, and none trained."""
        return self.skip_train or self.lora is not None

    @property
    def sweep(self) -> tuple[float, ...]:
        """The weights to render, ascending, with 0 for the baseline."""
        return unique((*self.weights, 0.0)) if self.baseline else self.weights


SETTLED = object()
"""The context in which settings are read back that were checked and completed before."""


class Config(SweepSettings, TrainingSettings):
    """All settings of the pipeline."""

    @field_validator("run_id", mode="before")
    @classmethod
    def _number_lost_its_underscore(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise ValueError(
                "was read as a number, which loses underscores and leading zeros; "
                f"write {as_typed('run_id', '20260131_120000')}"
            )
        return value

    @model_validator(mode="after")
    def _something_to_do(self) -> "Config":
        if not self.raw_set and not self.lora:
            raise ValueError(
                "raw_set: is required (folder name under datasets/raw/{style,characters}/); to "
                "bench a LoRA that is there already, give its file with lora="
            )
        if self.training_set and not self.lora:
            raise ValueError(
                "training_set: goes with lora=; to train on pictures, name them with raw_set="
            )
        if self.lora and self.epochs != "last":
            raise ValueError(
                "epochs: says which states of a training here to bench; with lora= give their "
                "folder or a pattern"
            )
        if self.training_set and self.raw_set:
            raise ValueError(
                "training_set: and raw_set both name the pictures that the LoRA was trained on; "
                "give one of them"
            )
        return self

    @model_validator(mode="after")
    def _search_can_compare(self) -> "Config":
        if self.search == "off":
            if self.pictures:
                raise ValueError("pictures: limits a search; add search=auto")
            return self
        if self.lora and not self.reads_set:
            raise ValueError(
                "search: finds the best by the style gained; name the pictures that the LoRA was "
                "trained on with raw_set= or training_set=, or leave search out"
            )
        if not self.baseline or max(self.weights) <= 0:
            raise ValueError(
                "search: compares weights above 0 with weight 0; leave baseline=False out, and "
                "give such weights"
            )
        return self

    @property
    def reads_set(self) -> bool:
        """Whether the raw set is read; with `skip_train` it only names the LoRA's file."""
        return bool(self.lora and (self.raw_set or self.training_set)) or not self.only_benched

    @model_validator(mode="after")
    def _one_trigger(self, info: ValidationInfo) -> "Config":
        of_section = self.preprocess.trigger
        if info.context is SETTLED:
            return self  # a run's may be another than that of its pictures without a caption
        if self.trigger and of_section and self.trigger != of_section:
            raise ValueError(
                f"trigger: {self.trigger!r}, but preprocess.trigger is {of_section!r}, and both "
                "mean the same words; give one of them"
            )
        return self


SECTIONS = sections(Config)
LISTS = ("weights", "seeds", "comfy_url")
"""Keys that say how much is rendered: one left empty is more likely a slip than the default."""


def as_typed(key: str, text: str) -> str:
    """Return how to type a text of digits: Snakemake reads YAML's tags, but removes quotes."""
    return f"--config '{key}=!!str {text}'"
