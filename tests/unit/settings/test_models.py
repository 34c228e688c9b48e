"""The settings: coercion, errors, and what is generated from them."""

import pytest

import config_docs
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.errors import UserError
from lorabench.settings.layers import merge, resolve
from lorabench.settings.models import PreprocessSettings
from lorabench.settings.validation import validate


def resolved(**given):
    return resolve(merge({"raw_set": "some_set", **given}), BUNDLED.preset)


@pytest.mark.parametrize("weights", ["0.4,0.8", "[0.8, 0.4]", [0.4, 0.80], ("0.8", "0.4", 0.4)])
def test_weights_are_read_sorted_and_unique_however_they_are_typed(weights):
    assert resolved(weights=weights).weights == (0.4, 0.8)


@pytest.mark.parametrize(("seeds", "expected"), [(7, (7,)), ("7", (7,)), ("3, 1", (1, 3))])
def test_seeds_of_the_wrong_kind_are_coerced(seeds, expected):
    assert resolved(seeds=seeds).seeds == expected


def test_the_baseline_adds_weight_zero_once():
    assert resolved(weights="0,0.5").sweep == (0.0, 0.5)
    assert resolved(weights="0.5", baseline="False").sweep == (0.5,)


def test_minus_zero_is_zero():
    assert str(resolved(weights="-0.0").weights) == "(0.0,)"


def test_a_key_without_a_value_is_the_default():
    assert resolved(positive=None, batch_size=None) == resolved()


def test_a_number_typed_for_a_name_is_a_name():
    assert resolved(raw_set=2024).raw_set == "2024"
    assert resolved(prompts=[2024, "a cat"]).prompts == ("2024", "a cat")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"raw_sett": "x"}, "raw_sett: no such key; did you mean raw_set?"),
        ({"rank": 8}, "rank: no such key; did you mean train.rank?"),
        ({"train": {"rnak": 8}}, "train.rnak: no such key; did you mean train.rank?"),
        ({"train": {"rank:8": None}}, "no such key; put a space after the colon: rank: 8"),
        ({"weights": "0.4,a"}, "weights: 'a': "),
        (
            {"prompts": [{"dog": "a cat"}]},
            "prompts: [{'dog': 'a cat'}]: should be a file or a list of texts; put each in quotes",
        ),
        ({"prompts": {"dog": "a cat"}}, "prompts: {'dog': 'a cat'}: should be a file or a list"),
        ({"prompts": [True]}, "prompts: [True]: should be a file or a list of texts"),
        ({"weights": "0.405"}, "weights: '0.405': at most two decimals"),
        ({"weights": "nan"}, "weights: 'nan': "),
        ({"weigths": None}, "weigths: no such key; did you mean weights?"),
        ({"verdict": {"styel": None}}, "verdict.styel: no such key; did you mean verdict.style?"),
        ({"train": {True: None}}, "YAML reads a key in train as True; a key should be a name"),
        ({"bench_workflow": "x" * 300}, "has a name in it of more than 255 bytes"),
        ({"lora_install_dir": "あ/" * 2000}, "is no path: at most 4095 bytes"),
        ({"bench": {"embedding": "あ" * 86}}, "bench.embedding: 'ああ"),
        ({"prompts": "x" * 300}, "has a name in it of more than 255 bytes"),
        ({"weights": ""}, "weights: is empty; give one value or more (LoRA strengths"),
        ({"comfy_url": ""}, "comfy_url: is empty; give one value or more (`embedded`, or URLs"),
        ({"weights": None}, "weights: is empty; give one value or more"),
        ({"weights": []}, "weights: is empty"),
        ({"weights": "0.4,,0.6"}, "weights: '0.4,,0.6': has an empty item, two commas in a row or"),
        ({"weights": [0.4, None]}, "weights: [0.4, None]: has an empty item"),
        ({"seeds": None}, "seeds: is empty; give one value or more"),
        ({"seeds": "1,2,"}, "seeds: '1,2,': has an empty item, two commas in a row or one at"),
        ({"comfy_url": "http://a,,http://b"}, "comfy_url: 'http://a,,http://b': has an empty"),
        ({"seeds": -1}, "seeds: -1: "),
        ({"weights": "0,4"}, "weights: '0,4': a comma separates weights, a point begins the"),
        ({"weights": "0,4 0,6; 1,25"}, "write weights=0.4,0.6,1.25, or weights=["),
        ({"weights": "0,4,0,6"}, "write weights=0.4,0.6, or weights=[0,4,0,6] if"),
        ({"weights": "0,75"}, "write weights=0.75, or"),
        ({"weights": "11"}, "weights: '11': should be less than or equal to 10 (LoRA"),
        ({"train": {"rank": 0}}, "train.rank: 0: should be greater than or equal to 1 (network_"),
        ({"train.rank": 8}, "train.rank: no such key; rank stands in the section train: write 'tr"),
        ({"train": {"learing_rate": 8}}, "did you mean learning_rate? sd-scripts' learning_rate"),
        ({"train": {"optimiser_type": 8}}, "did you mean train.optimizer_type?"),
        ({"train": {"network_arg": 8}}, "did you mean network_args? an option of sd-scripts"),
        ({"train": {"lr": 8}}, "did you mean train.unet_lr or train.text_encoder_lr?"),
        ({"train": {"resolution": 8}}, "did you mean preprocess.resolution?"),
        ({"bench": {"batch_size": 8}}, "did you mean batch_size or train.batch_size?"),
        ({"train": {"qqqq": 8}}, "train.qqqq: no such key; all keys: uv run python scripts"),
        ({"run_id": 20260131120000}, "write --config 'run_id=!!str 20260131_120000'"),
        ({"run_id": "../up"}, "run_id: '../up': should be a name without / \\ { } that begins"),
        ({"run_id": "-x"}, "run_id: '-x': should be a name without / \\ { } that begins"),
        ({"raw_set": "-x"}, "raw_set: '-x': should be a name"),
        ({"run_id": "x" * 101}, "is too long for the names of files: at most 100 bytes, not 101"),
        ({"raw_set": "ぽ" * 34}, "at most 100 bytes, not 102"),
        ({"comfy_url": "127.0.0.1:8188"}, "comfy_url: '127.0.0.1:8188': did you mean http"),
        ({"comfy_url": "ftp://a:1"}, "comfy_url: 'ftp://a:1': allowed: embedded, or"),
        ({"positive": {"a": "b"}}, "positive: {'a': 'b'}: Snakemake reads it as YAML, and not as"),
        ({"bench": {"size": [832, 1216]}}, "bench.size: [832, 1216]: write size: 832x1216 ("),
        ({"bench": {"size": [832]}}, "bench.size: [832]: write size: 832x1216 ("),
        ({"weights": "abc"}, "weights: 'abc': should be a number (LoRA strengths"),
        ({"comfy_url": "me:word@a:1"}, "comfy_url: (not shown: it may hold a password): allowed"),
        ({"train": "rank 8"}, "train: should be a section such as"),
        ({"train": {"steps": 5, "epochs": 5}}, "train: give steps or epochs"),
        ({"train": {"unet_lr": 0, "text_encoder_lr": 0}}, "nothing would be trained"),
        ({"train": {"kohya_args": {"a": {"b": 1}}}}, "train.kohya_args: {'a': {'b': 1}}: a should"),
        ({"pictures": 150}, "pictures: limits a search; add search=auto"),
        ({"search": "auto", "baseline": False}, "search: compares weights above 0 with weight 0"),
        ({"search": "auto", "weights": "-1,0"}, "search: compares weights above 0 with weight 0"),
        (
            {"search": "auto", "lora": "a.safetensors", "raw_set": None},
            "search: finds the best by the style gained; name the pictures",
        ),
        ({"kohya": {"paths": "datasets"}}, "kohya.paths: 'datasets': should map folders to"),
        ({"preprocess": {"resolution": 100}}, "resolution 100 is no multiple of bucket_step 32"),
        (
            {"preprocess": {"background": "white"}},
            "preprocess.background: 'white': should be # and six hex digits, such as #ffffff",
        ),
    ],
)
def test_an_error_names_the_key_the_value_and_what_is_allowed(given, said):
    with pytest.raises(UserError) as error:
        resolved(**given)
    assert said in str(error.value)


def test_what_a_setting_may_be_is_said_once():
    with pytest.raises(UserError) as error:
        resolved(profile="anime")
    assert str(error.value) == "profile: 'anime': should be 'style' or 'char'"


@pytest.mark.parametrize("weights", ["0,1", "0,0.5", "[0,4]", [0, 4], "0 4", "0.4,0.6"])
def test_weights_that_may_be_meant_as_typed_are_taken(weights):
    assert resolved(weights=weights).weights[0] in (0, 0.4)


def test_every_mistake_is_said_at_once():
    with pytest.raises(UserError) as error:
        resolved(weights="a", seeds="b", train={"rank": 0})
    assert str(error.value).count("\n") == 2


def test_options_of_sd_scripts_are_one_however_they_are_typed():
    typed = {"a": "True", "--b": "false", "c-d": "1e-4", "e": "5", "f": ["1", "x=2"], "g": "null"}
    read = {"a": True, "b": False, "c_d": 1e-4, "e": 5, "f": [1, "x=2"], "g": None}
    for given in (typed, read):
        assert resolved(train={"kohya_args": given}).train.kohya_args == read
    texts = {"a": "512,512", "b": "nan", "c": "AdamW8bit", "d": ""}
    assert resolved(train={"kohya_args": texts}).train.kohya_args == texts


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    settings = ("bench_workflow", "base_model", "lora_install_dir")
    paths = resolved(**dict.fromkeys(settings, "~/some where/x"))
    assert {getattr(paths, name) for name in settings} == {"/home/me/some where/x"}
    assert resolved(raw_set="~x").raw_set == "~x"


def test_a_section_alone_can_be_validated():
    with pytest.raises(UserError, match="did you mean resolution"):
        validate(PreprocessSettings, {"resolutoin": 64})


def test_generated_files_are_up_to_date():
    stale = [p.name for p, text in config_docs.generated().items() if p.read_text() != text]
    assert stale == [], "run: python scripts/config_docs.py"


def test_a_key_of_a_section_typed_without_it_is_shown_with_it():
    with pytest.raises(UserError, match=r"did you mean train.rank\? Write 'train=\{rank: 8\}'"):
        resolve({"raw_set": "x", "rank": 8}, BUNDLED.preset)


def test_a_misspelt_key_is_told_how_to_list_all():
    with pytest.raises(UserError, match=r"did you mean weights\? All keys: uv run python scripts/"):
        resolve({"raw_set": "x", "weight": 0.4}, BUNDLED.preset)


def test_weights_may_be_parted_by_spaces():
    assert resolve({"raw_set": "x", "weights": "0.4 0.6"}, BUNDLED.preset).weights == (0.4, 0.6)


@pytest.mark.parametrize(
    ("typed", "profile"),
    [
        ("x", "style"),
        ("x/", "style"),
        (" x ", "style"),
        ("datasets/raw/style/x", "style"),
        ("./datasets/raw/characters/x/", "char"),
        ("/home/me/lorabench/datasets/raw/characters/x", "char"),
    ],
)
def test_a_set_may_be_given_as_its_folder(typed, profile):
    config = resolve({"raw_set": typed}, BUNDLED.preset)
    assert (config.raw_set, config.profile) == ("x", profile)


def test_a_character_may_keep_less_of_the_prompt_than_a_style():
    style, character = (resolved(profile=profile).verdict for profile in ("style", "char"))
    assert 0 < character.prompt_kept < style.prompt_kept
    assert resolved(profile="char", verdict={"prompt_kept": 0.5}).verdict.prompt_kept == 0.5


@pytest.mark.parametrize("typed", ["832x1216", "832 × 1216", " 832X1216"])
def test_a_size_is_a_width_and_a_height(typed):
    assert resolved(bench={"size": typed}).bench.size == "832x1216"


@pytest.mark.parametrize("typed", ["832", "832x1217", "8x8", "99999x64", "axb", "832x1216x3"])
def test_what_is_no_size_is_refused_with_an_example(typed):
    with pytest.raises(UserError, match=r"bench\.size: .*such as 832x1216: multiples of 8"):
        resolved(bench={"size": typed})
