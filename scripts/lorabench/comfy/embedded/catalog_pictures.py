"""The declarations of nodes that load, change and save pictures; see `catalog`."""

from lorabench.comfy.embedded.declaration import (
    MAX_SIDE,
    Input,
    Node,
    choice,
    number,
    sockets,
    whole,
)
from lorabench.comfy.embedded.library import Library

UPSCALE = {"upscale_method": choice("nearest-exact", "bilinear", "area", "bicubic", "lanczos")}


def nodes(library: Library) -> dict[str, Node]:
    """Return the nodes by class name."""
    return _loaded(library) | _changed() | _saved()


def _loaded(library: Library) -> dict[str, Node]:
    image: Input = (library.names("input"), {"image_upload": True})

    def is_there(name: str) -> bool:
        return library.path("input", name) is not None

    return {
        "LoadImage": Node(
            {"image": image},
            ("IMAGE", "MASK"),
            "image",
            "Load Image",
            "Loads a picture of the input folder; its mask is where it is transparent.",
            accepts={"image": is_there},
        ),
        "LoadImageMask": Node(
            {"image": image, "channel": choice("alpha", "red", "green", "blue")},
            ("MASK",),
            "image",
            "Load Image (as Mask)",
            "Loads a channel of a picture of the input folder as a mask.",
            accepts={"image": is_there},
        ),
    }


def _changed() -> dict[str, Node]:
    return {
        "ImageScale": Node(
            sockets(image="IMAGE")
            | UPSCALE
            | {name: whole(512, 0, MAX_SIDE, step=1) for name in ("width", "height")}
            | {"crop": choice("disabled", "center")},
            ("IMAGE",),
            "image/upscaling",
            "Upscale Image",
            "Brings pictures to a size; 0 keeps the shape.",
        ),
        "ImageScaleBy": Node(
            sockets(image="IMAGE") | UPSCALE | {"scale_by": number(1.0, 0.01, 8.0, 0.01)},
            ("IMAGE",),
            "image/upscaling",
            "Upscale Image By",
            "Makes pictures larger or smaller.",
        ),
        "ImageInvert": Node(
            sockets(image="IMAGE"),
            ("IMAGE",),
            "image/color",
            "Invert Image Colors",
            "Inverts the colours.",
        ),
        "ImageBatch": Node(
            sockets(image1="IMAGE", image2="IMAGE"),
            ("IMAGE",),
            "image/batch",
            "Batch Images (DEPRECATED)",
            "Puts pictures into one batch; the second gets the first one's size.",
        ),
    }


def _saved() -> dict[str, Node]:
    return {
        "SaveImage": Node(
            sockets(images="IMAGE") | {"filename_prefix": ("STRING", {"default": "ComfyUI"})},
            ("IMAGE",),
            "image",
            "Save Image",
            "Saves PNG files with their workflow in the output folder.",
            is_output=True,
            output_names=("images",),
        ),
        "PreviewImage": Node(
            sockets(images="IMAGE"),
            ("IMAGE",),
            "image",
            "Preview Image",
            "Saves PNG files in a folder that is gone when the server ends.",
            is_output=True,
            output_names=("images",),
        ),
    }
