"""Nodes that need no model, on waves of numbers.

comfyui_0_33_0_nodes.json holds what the nodes of ComfyUI 0.33.0 give for the same inputs: of a
tensor, its shape, its mean, and its sum weighted with cosines; of noise levels and small results,
the numbers.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lorabench.base import model as base_model
from lorabench.base.stable_diffusion import SD15
from lorabench.comfy.embedded import catalog, latents, model_sampling, nodes, regions, sigmas
from lorabench.comfy.embedded.conditioning import Conditioning
from lorabench.comfy.embedded.declaration import Node
from lorabench.comfy.embedded.guidance import _cfg
from lorabench.comfy.embedded.latents import Latent
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.embedded.model_sampling import ModelSampling
from lorabench.comfy.embedded.prompts import Prompt
from lorabench.comfy.embedded.samplers.walk import Noise, Walk
from lorabench.errors import UserError
from tests.unit.comfy.embedded.test_samplers import START, Toy

FILE = Path(__file__).with_name("comfyui_0_33_0_nodes.json")
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
INFO = Path(__file__).parents[3] / "workflows/node_info_0.33.json"
SCHEDULE = sigmas.noise_schedule(base_model.alphas_cumprod(SD15.schedule))
MODEL = SimpleNamespace(sampling=ModelSampling(SCHEDULE, "epsilon"))
TORCH_METHODS = ("nearest-exact", "bilinear", "area", "bicubic")
CONTEXT = SimpleNamespace(check_size=lambda count, width, height: None)


def wave(*shape, step=0.37):
    count = torch.Size(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float32) * step).reshape(shape)


def digest(tensor):
    numbers = tensor.double().flatten()
    weights = torch.cos(torch.arange(len(numbers), dtype=torch.float64) * 0.61)
    return [list(tensor.shape), numbers.mean().item(), (numbers * weights).sum().item()]


def near(recorded):
    shape, mean, total = recorded
    return [
        shape,
        pytest.approx(mean, rel=1e-4, abs=1e-5),
        pytest.approx(total, rel=1e-4, abs=2e-3),
    ]


def run(class_type, **inputs):
    return nodes.RUN[class_type](CONTEXT, **inputs)


ONE = Latent(wave(2, 4, 12, 10) * 2)
PICTURE = (wave(2, 30, 44, 3) + 1) / 2
MASK = (wave(1, 16, 16, step=0.21) + 1) / 2


def test_every_declared_node_can_run():
    assert set(catalog.nodes(Library.nowhere())) == set(nodes.RUN)


LEFT_OUT = {  # what ComfyUI 0.33.0 has besides
    "ModelSamplingDiscrete": {"img_to_img", "img_to_img_flow"},
    "ModelSamplingContinuousEDM": {"edm_playground_v2.5", "cosmos_rflow"},
}
FILES = ("ckpt_name", "lora_name", "vae_name", "image")


def test_inputs_are_those_of_comfyui():
    known = json.loads(INFO.read_text(encoding="utf-8"))
    declared = catalog.object_info(Library.nowhere())
    shared = [name for name in declared if name in known]
    assert len(shared) >= 40
    for name in shared:
        own, other = (info[name]["input"].get("required", {}) for info in (declared, known))
        assert list(own) == list(other), name
        for key in own.keys() - set(FILES):
            kind, options = (*other[key], {})[:2]
            kind = options["options"] if kind == "COMBO" else kind
            ranges = ("default", "min", "max", "step", "round", "control_after_generate")
            expected = {one: options[one] for one in ranges if one in options}
            found = {one: value for one, value in own[key][1].items() if one in ranges}
            if isinstance(kind, list):
                kind = [one for one in kind if one not in LEFT_OUT.get(name, ())]
            assert (own[key][0], found) == (kind, expected), (name, key)


def latent_cases():
    for method in (*TORCH_METHODS, "bislerp"):
        size = {"width": 136, "height": 112, "crop": "disabled"}
        yield f"LatentUpscale {method}", {"upscale_method": method, **size}
        yield f"LatentUpscaleBy {method}", {"upscale_method": method, "scale_by": 0.6}
    centred = {"width": 128, "height": 64, "crop": "center"}
    yield "LatentUpscale center", {"upscale_method": "bicubic", **centred}
    one_side = {"width": 0, "height": 120, "crop": "disabled"}
    yield "LatentUpscale one side", {"upscale_method": "bilinear", **one_side}
    for rotation in ("none", "90 degrees", "180 degrees", "270 degrees"):
        yield f"LatentRotate {rotation}", {"rotation": rotation}
    for method in ("x-axis: vertically", "y-axis: horizontally"):
        yield f"LatentFlip {method}", {"flip_method": method}
    yield "LatentCrop", {"width": 64, "height": 72, "x": 24, "y": 40}


@pytest.mark.parametrize(("case", "widgets"), latent_cases())
def test_latents_change_as_in_comfyui(case, widgets):
    (found,) = run(case.split()[0], samples=ONE, **widgets)
    assert digest(found.samples) == near(RECORDED[case])


@pytest.mark.parametrize("feather", [0, 16])
def test_latents_are_pasted_as_in_comfyui(feather):
    onto, piece = Latent(wave(1, 4, 12, 14)), Latent(wave(1, 4, 9, 11, step=0.53))
    before = onto.samples.clone()
    place = {"x": 24, "y": 16, "feather": feather}
    (found,) = run("LatentComposite", samples_to=onto, samples_from=piece, **place)
    assert digest(found.samples) == near(RECORDED[f"LatentComposite {feather}"])
    assert torch.equal(onto.samples, before)


def test_latents_are_mixed_as_in_comfyui():
    second = Latent(wave(2, 4, 9, 11, step=0.53))
    (found,) = run("LatentBlend", samples1=ONE, samples2=second, blend_factor=0.3)
    assert digest(found.samples) == near(RECORDED["LatentBlend"])


def test_latents_of_a_batch_keep_their_noise():
    (last,) = run("LatentFromBatch", samples=ONE, batch_index=-1, length=3)
    (three,) = run("RepeatLatentBatch", samples=last, amount=3)
    assert digest(three.samples) == near(RECORDED["LatentFromBatch, RepeatLatentBatch"])
    assert list(three.places) == RECORDED["their places"]
    assert digest(three.noise(7)) == near(RECORDED["their noise"])
    assert torch.equal(last.noise(7)[0], ONE.noise(7)[1])


def test_a_batch_takes_its_masks_along():
    masks = torch.arange(2.0).view(2, 1, 1, 1).expand(2, 1, 4, 4)
    (last,) = run("LatentFromBatch", samples=Latent(ONE.samples, masks), batch_index=1, length=1)
    (both,) = run("RepeatLatentBatch", samples=last, amount=2)
    assert last.mask.unique().tolist() == [1.0] and len(both.mask) == 1


@pytest.mark.parametrize("grow", [0, 6, 7])
def test_inpainting_greys_and_grows_as_comfyui(grow):
    grey, mask = latents.inpainting(wave(1, 32, 40, 3).abs(), (MASK > 0.6).float(), grow)
    pixels, grown = RECORDED[f"VAEEncodeForInpaint {grow}"]
    assert digest(grey) == near(pixels) and digest(mask) == near(grown)


def test_inpainting_cuts_off_what_fills_no_latent():
    grey, mask = latents.inpainting(torch.ones(1, 37, 43, 3), torch.ones(1, 8, 8), 6)
    assert grey.shape == (1, 32, 40, 3) and mask.shape == (1, 1, 32, 40)


def test_a_mask_takes_the_latents_size_as_in_comfyui():
    (masked,) = run("SetLatentNoiseMask", samples=ONE, mask=MASK)
    assert digest(masked.mask_like(torch.zeros(2, 4, 6, 7))) == near(RECORDED["mask"])


def picture_cases():
    for method in (*TORCH_METHODS, "lanczos"):
        size = {"width": 61, "height": 20, "crop": "center"}
        yield f"ImageScale {method}", {"upscale_method": method, **size}
        yield f"ImageScaleBy {method}", {"upscale_method": method, "scale_by": 1.7}
    one_side = {"width": 20, "height": 0, "crop": "disabled"}
    yield "ImageScale one side", {"upscale_method": "bilinear", **one_side}
    yield "ImageInvert", {}


@pytest.mark.parametrize(("case", "widgets"), picture_cases())
def test_pictures_change_as_in_comfyui(case, widgets):
    (found,) = run(case.split()[0], image=PICTURE, **widgets)
    assert digest(found) == near(RECORDED[case])


def test_pictures_are_batched_as_in_comfyui():
    second = (wave(1, 20, 25, 3, step=0.53) + 1) / 2
    (found,) = run("ImageBatch", image1=PICTURE, image2=second)
    assert digest(found) == near(RECORDED["ImageBatch"])


REGIONS = {
    "area": {"area": (16, 12, 0, 8), "strength": 1.5},
    "shares": {"area": (0.5, 0.7, 0.5, 0.4), "in_shares": True, "strength": 0.5},
    "mask": {"mask": MASK, "mask_strength": 0.7, "strength": 2.0},
    "mask bounds": {
        "mask": (MASK > 0.9).float() * MASK,
        "mask_strength": 0.7,
        "mask_bounds": True,
    },
    "early": {"start": 0.0, "end": 0.2},
    "late": {"start": 0.3, "end": 1.0},
}


@pytest.mark.parametrize(("case", "bounds"), REGIONS.items())
def test_prompts_count_where_and_when_they_do_in_comfyui(case, bounds):
    x = wave(2, 4, 24, 32)
    told = Conditioning(torch.zeros(1, 77, 8))
    ((region,),) = regions.placed([(Prompt(told, **bounds),)], x, SCHEDULE)
    recorded = RECORDED[f"region {case}"]
    assert region.counts(2.0) is (recorded is not None)
    if recorded is not None:
        part, weights = recorded
        assert digest(region.cut(x)) == near(part)
        assert digest(region.weights(x)) == near(weights)


def test_a_prompt_in_an_area_gets_a_partner_there():
    whole, small, large = (
        Prompt(Conditioning(torch.full((1, 77, 8), value)), area=area)
        for value, area in ((1.0, None), (2.0, (8, 8, 0, 0)), (3.0, (16, 16, 0, 0)))
    )
    x = torch.zeros(1, 4, 24, 24)
    _, negative = regions.placed([(small,), (whole,)], x, SCHEDULE)
    assert [one.box for one in negative] == [None, (8, 8, 0, 0)]
    assert negative[1].told is whole.told
    _, negative = regions.placed([(small,), (whole, large)], x, SCHEDULE)
    assert negative[-1].told is large.told  # the smallest around it
    _, negative = regions.placed([(small,), (large,)], x, SCHEDULE)
    assert [one.box for one in negative] == [(16, 16, 0, 0), (8, 8, 0, 0)]


def test_an_area_outside_the_picture_is_refused():
    prompt = Prompt(Conditioning(torch.zeros(1, 77, 8)), area=(8, 8, 24, 0))
    with pytest.raises(UserError, match=r"begins at \(0, 192\) px, outside the picture of 256"):
        regions.placed([(prompt,)], torch.zeros(1, 4, 24, 32), SCHEDULE)


SIX = sigmas.scheduled(SCHEDULE, "normal", 6, 1.0)
LEVELS = {
    "BasicScheduler": {"model": MODEL, "scheduler": "beta", "steps": 6, "denoise": 0.5},
    "KarrasScheduler": {"steps": 6, "sigma_max": 20.0, "sigma_min": 0.1, "rho": 5.0},
    "ExponentialScheduler": {"steps": 6, "sigma_max": 20.0, "sigma_min": 0.1},
    "PolyexponentialScheduler": {"steps": 6, "sigma_max": 20.0, "sigma_min": 0.1, "rho": 1.4},
    "SDTurboScheduler": {"model": MODEL, "steps": 3, "denoise": 0.7},
    "BetaSamplingScheduler": {"model": MODEL, "steps": 6, "alpha": 0.4, "beta": 0.8},
    "AlignYourStepsScheduler SD1 10 1.0": {"model_type": "SD1", "steps": 10, "denoise": 1.0},
    "AlignYourStepsScheduler SDXL 7 1.0": {"model_type": "SDXL", "steps": 7, "denoise": 1.0},
    "AlignYourStepsScheduler SVD 12 0.5": {"model_type": "SVD", "steps": 12, "denoise": 0.5},
    "SplitSigmas": {"sigmas": SIX, "step": 2},
    "SplitSigmasDenoise": {"sigmas": SIX, "denoise": 0.4},
    "SplitSigmasDenoise nothing": {"sigmas": SIX, "denoise": 0.0},
    "FlipSigmas": {"sigmas": SIX},
    "SetFirstSigma": {"sigmas": SIX, "sigma": 100.0},
    "ManualSigmas": {"sigmas": "14.6, 3, .5 then 0"},
}


@pytest.mark.parametrize(("case", "inputs"), LEVELS.items())
def test_levels_are_those_of_comfyuis_nodes(case, inputs):
    found = run(case.split()[0], **inputs)
    recorded = RECORDED[f"levels {case}"]
    assert len(found) == len(recorded)
    for one, other in zip(found, recorded, strict=True):
        assert one.tolist() == pytest.approx(other, rel=1e-5)


@pytest.mark.parametrize(
    ("node", "widgets"),
    [
        ("ExponentialScheduler", {"sigma_max": 1.0, "sigma_min": 0.0}),
        ("KarrasScheduler", {"sigma_max": 1.0, "sigma_min": 0.1, "rho": 0.0}),
    ],
)
def test_levels_that_cannot_be_are_refused(node, widgets):
    with pytest.raises(UserError, match="must be above 0"):
        run(node, steps=4, **widgets)


READINGS = {
    **{
        f"ModelSamplingDiscrete {name} {zsnr}": {"sampling": name, "zsnr": zsnr}
        for name in ("eps", "v_prediction", "lcm", "x0")
        for zsnr in (False, True)
    },
    **{
        f"ModelSamplingContinuousEDM {name}": {
            "sampling": name, "sigma_max": 80.0, "sigma_min": 0.01,
        }
        for name in ("v_prediction", "edm", "eps")
    },
    "ModelSamplingContinuousV v_prediction": {
        "sampling": "v_prediction", "sigma_max": 300.0, "sigma_min": 0.05,
    },
}  # fmt: skip


@pytest.mark.parametrize(("case", "widgets"), READINGS.items())
def test_a_unets_output_is_read_as_by_comfyuis_nodes(monkeypatch, case, widgets):
    changed = {}
    monkeypatch.setattr(
        "lorabench.comfy.embedded.nodes_sampling.replace", lambda model, **new: changed.update(new)
    )
    run(case.split()[0], model=MODEL, **widgets)
    read, recorded = changed["changed_sampling"], RECORDED[f"reading {case}"]
    x, output, sigma = wave(1, 4, 4, 4) * 3, wave(1, 4, 4, 4, step=0.53), torch.tensor(2.5)
    levels = read.schedule.sigmas
    assert levels[:: len(levels) // 5].tolist() == pytest.approx(recorded["levels"], rel=1e-5)
    assert read.schedule.timestep(sigma.view(1)).item() == pytest.approx(
        recorded["timestep"], rel=1e-5
    )
    assert read.schedule.percent(0.5) == pytest.approx(recorded["half"], rel=1e-5)
    assert digest(read.scaled(x, sigma)) == near(recorded["input"])
    assert digest(read.clean(x, output, sigma)) == near(recorded["clean"])
    found = sigmas.sgm_uniform(read.schedule, 4).tolist()
    assert found == pytest.approx(recorded["sgm_uniform"], rel=1e-5)


def test_an_impossible_range_of_levels_is_refused():
    with pytest.raises(UserError, match="sigma_min 3: must be above 0 and below sigma_max"):
        run(
            "ModelSamplingContinuousV",
            model=MODEL,
            sampling="v_prediction",
            sigma_max=2.0,
            sigma_min=3.0,
        )


def test_guidance_is_rescaled_as_by_comfyuis_node():
    x, following = wave(1, 4, 4, 4) * 3, wave(1, 4, 4, 4, step=0.29)
    without, sigma = wave(1, 4, 4, 4, step=0.77), torch.tensor(2.5)
    found = _cfg(following, without, 5.0, x, sigma, rescale=0.6)
    assert digest(found) == near(RECORDED["RescaleCFG"])


NOISY = {"eta": 0.5, "s_noise": 0.8}
METHODS = {
    "SamplerEulerAncestral": NOISY,
    "SamplerEulerAncestralCFGPP": NOISY,
    "SamplerDPMPP_2S_Ancestral": NOISY,
    "SamplerDPMPP_SDE": {**NOISY, "r": 0.7, "noise_device": "cpu"},
    "SamplerDPMPP_2M_SDE midpoint": {
        **NOISY, "solver_type": "midpoint", "noise_device": "gpu",
    },
    "SamplerDPMPP_2M_SDE heun": {
        "eta": 0.0, "s_noise": 0.8, "solver_type": "heun", "noise_device": "cpu",
    },
    "SamplerDPMPP_3M_SDE": {**NOISY, "noise_device": "cpu"},
    "SamplerLMS": {"order": 2},
    "SamplerLCM": {"s_noise": 1.2, "s_noise_end": 0.4, "noise_clip_std": 1.0},
    "SamplerDPMAdaptative": {
        **{"order": 2, "rtol": 0.02, "atol": 0.01, "h_init": 0.1, "pcoeff": 0.1, "icoeff": 0.9},
        **{"dcoeff": 0.1, "accept_safety": 0.7, "eta": 0.4, "s_noise": 0.8},
    },
    "SamplerSEEDS2": {**NOISY, "r": 0.3, "solver_type": "phi_2"},
    **{
        f"SamplerER_SDE {kind}": {"solver_type": kind, "max_stage": 2, "eta": 0.6, "s_noise": 0.8}
        for kind in ("ER-SDE", "Reverse-time SDE", "ODE")
    },
    **{
        f"SamplerSASolver {simple} {simple}": {
            **{"model": MODEL, "eta": 0.7, "sde_start_percent": 0.1, "sde_end_percent": 0.9},
            **{"s_noise": 0.8, "predictor_order": 2, "corrector_order": 2},
            **{"use_pece": simple, "simple_order_2": simple},
        }
        for simple in (False, True)
    },
}  # fmt: skip


@pytest.mark.parametrize(("case", "widgets"), METHODS.items())
def test_samplers_with_parameters_walk_as_comfyuis(case, widgets):
    (method,) = run(case.split()[0], **widgets)
    levels = sigmas.sampling_sigmas(SCHEDULE, "euler", "karras", 6)
    denoiser = Toy(1.5) if "CFGPP" in case else Toy()
    way = Walk(denoiser, levels, Noise(7), lambda i, clean: None, SCHEDULE.percent)
    start = torch.tensor(START).view(1, 1, 2, 2) * levels[0]
    found = method.walk(way, start, **method.options).flatten().tolist()
    tolerance = 1e-4 if "Adaptative" in case else 1e-5
    assert found == pytest.approx(RECORDED["samplers"][case], abs=tolerance)


def test_the_alternative_cfg_pp_is_another_walk():
    (method,) = run("SamplerEulerCFGpp", version="alternative")
    (regular,) = run("SamplerEulerCFGpp", version="regular")
    assert method.walk is not regular.walk


def test_values_and_texts():
    assert run("PrimitiveInt", value=3) == (3,)
    joined = run("StringConcatenate", string_a="a", string_b="b", delimiter=", ")
    assert joined == ("a, b",)


def test_kinds_of_readings_are_declared():
    declared = catalog.nodes(Library.nowhere())
    for name in ("ModelSamplingDiscrete", "ModelSamplingContinuousEDM", "ModelSamplingContinuousV"):
        node = declared[name]
        assert isinstance(node, Node)
        for kind in node.inputs["sampling"][0]:
            assert nodes.nodes_sampling.KINDS[kind] in model_sampling.Kind.__args__
