"""The declarations of nodes that make and change LATENT; see `catalog`."""

from lorabench.comfy.embedded.declaration import MAX_SIDE, Node, choice, number, sockets, whole

ONE = sockets(samples="LATENT")
UPSCALE = {"upscale_method": choice("nearest-exact", "bilinear", "area", "bicubic", "bislerp")}
PLACE = {name: whole(0, 0, MAX_SIDE, step=8) for name in ("x", "y")}


def nodes(most_pixels: int | None) -> dict[str, Node]:
    """Return the nodes by class name."""
    return _made(most_pixels) | _sizes() | _turned() | _mixed() | _batches()


def _made(most_pixels: int | None) -> dict[str, Node]:
    pictures = sockets(pixels="IMAGE", vae="VAE")
    return {
        "EmptyLatentImage": Node(
            {
                "width": whole(512, 16, MAX_SIDE, step=8),
                "height": whole(512, 16, MAX_SIDE, step=8),
                "batch_size": whole(1, 1, 4096),
            },
            ("LATENT",),
            "model/latent",
            "Empty Latent Image",
            "Starts a picture of a size from nothing.",
            most_pixels=most_pixels,
        ),
        "VAEDecode": Node(
            sockets(samples="LATENT", vae="VAE"),
            ("IMAGE",),
            "model/latent",
            "VAE Decode",
            "Turns latents into pictures.",
        ),
        "VAEEncode": Node(
            pictures, ("LATENT",), "model/latent", "VAE Encode", "Turns pictures into latents."
        ),
        "VAEEncodeForInpaint": Node(
            pictures | sockets(mask="MASK") | {"grow_mask_by": whole(6, 0, 64, step=1)},
            ("LATENT",),
            "model/latent",
            "VAE Encode (for Inpainting)",
            "Turns pictures into latents, grey where a mask is; there alone they are redrawn.",
        ),
        "SetLatentNoiseMask": Node(
            ONE | sockets(mask="MASK"),
            ("LATENT",),
            "model/latent",
            "Set Latent Noise Mask",
            "Has a sampler redraw the latents where a mask is.",
        ),
    }


def _sizes() -> dict[str, Node]:
    return {
        "LatentUpscale": Node(
            ONE
            | UPSCALE
            | {name: whole(512, 0, MAX_SIDE, step=8) for name in ("width", "height")}
            | {"crop": choice("disabled", "center")},
            ("LATENT",),
            "model/latent",
            "Upscale Latent",
            "Brings latents to a size in px; 0 keeps the shape.",
        ),
        "LatentUpscaleBy": Node(
            ONE | UPSCALE | {"scale_by": number(1.5, 0.01, 8.0, 0.01)},
            ("LATENT",),
            "model/latent",
            "Upscale Latent By",
            "Makes latents larger or smaller.",
        ),
        "LatentCrop": Node(
            ONE | {name: whole(512, 64, MAX_SIDE, step=8) for name in ("width", "height")} | PLACE,
            ("LATENT",),
            "model/latent/transform",
            "Crop Latent",
            "Cuts a rectangle out of latents, in px.",
        ),
    }


def _turned() -> dict[str, Node]:
    return {
        "LatentRotate": Node(
            ONE | {"rotation": choice("none", "90 degrees", "180 degrees", "270 degrees")},
            ("LATENT",),
            "model/latent/transform",
            "Rotate Latent",
            "Turns latents.",
        ),
        "LatentFlip": Node(
            ONE | {"flip_method": choice("x-axis: vertically", "y-axis: horizontally")},
            ("LATENT",),
            "model/latent/transform",
            "Flip Latent",
            "Mirrors latents.",
        ),
    }


def _mixed() -> dict[str, Node]:
    return {
        "LatentComposite": Node(
            sockets(samples_to="LATENT", samples_from="LATENT")
            | PLACE
            | {"feather": whole(0, 0, MAX_SIDE, step=8)},
            ("LATENT",),
            "model/latent",
            "Latent Composite",
            "Puts latents into others at a place in px, with soft edges.",
        ),
        "LatentBlend": Node(
            sockets(samples1="LATENT", samples2="LATENT")
            | {"blend_factor": number(0.5, 0, 1, 0.01)},
            ("LATENT",),
            "experimental",
            "Latent Blend",
            "Mixes two latents; 1 is the first.",
        ),
    }


def _batches() -> dict[str, Node]:
    return {
        "RepeatLatentBatch": Node(
            ONE | {"amount": whole(1, 1, 64)},
            ("LATENT",),
            "model/latent/batch",
            "Repeat Latent Batch",
            "Puts latents into a batch several times.",
        ),
        "LatentFromBatch": Node(
            ONE | {"batch_index": whole(0, -MAX_SIDE, MAX_SIDE), "length": whole(1, 1, 64)},
            ("LATENT",),
            "model/latent/batch",
            "Get Latent From Batch",
            "Takes latents out of a batch; each keeps its noise.",
        ),
    }
