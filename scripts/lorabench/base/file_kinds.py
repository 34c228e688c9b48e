"""Recognize files with misleading names by their first bytes or their tensors' names."""

import codecs
import re
import shlex
import zipfile
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

PICKLED = (".pt", ".pth", ".ckpt", ".bin")
_FIRST_BYTES: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself with `git lfs pull`"),
    (b"GGUF", "a GGUF file; take the .safetensors one"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
)
_SHOWN = 40
_KANA, _CHINESE = re.compile("[ぁ-ヶ]"), re.compile("[一-鿿]")
_ENCODINGS = (
    ("Shift_JIS", "cp932", _KANA),
    ("EUC-JP", "euc_jp", _KANA),
    ("GBK", "gb2312", _CHINESE),
    ("Shift_JIS", "cp932", _CHINESE),
    ("GBK", "gb18030", _CHINESE),
)
"""Name, codec, and letters that only its texts are likely to have; the surest first."""
_WEB_PAGE = re.compile(rb"\s*<(!doctype|html|\?xml|head)", re.IGNORECASE)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_EMBEDDING_KEYS = {"emb_params", "string_to_param", "string_to_token", "clip_l", "clip_g", "t5xxl"}
_ADDITIONS: tuple[tuple[str, str], ...] = (  # a part of a key, and what has such keys
    (".oft_blocks.", "an OFT network of sd-scripts, which ComfyUI does not load"),
    (".oft_R.", "an OFT network of PEFT or OneTrainer, which is not read here"),
    ("hypernet", "a hypernetwork"),
    ("lora_controlnet", "a Control-LoRA"),
    ("control_model.", "a ControlNet"),
    ("controlnet_blocks.", "a ControlNet"),
    ("controlnet_down_blocks.", "a ControlNet"),
    ("ip_adapter.", "an IP-Adapter"),
    ("image_proj.", "an IP-Adapter"),
    ("diffusion_model.clf.1.weight", "a Stable Cascade model, which is not read here"),
)
_PARTS: tuple[tuple[str, str], ...] = (  # the same, of models that are not known by their shapes
    ("model.diffusion_model.", "a whole checkpoint, as base_model= takes it"),
    ("down_blocks.", "the UNet or VAE of a checkpoint"),
    ("text_model.", "a text encoder"),
    ("decoder.", "a VAE"),
)


def by_first_bytes(path: Path) -> str | None:
    """Return what a file that is not in the safetensors format is; None where that is not known."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file; copy or download it again"
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if not any(name.endswith("data.pkl") for name in archive.namelist()):
                return "a ZIP archive; unpack it"
        return f"a PyTorch file (.pt, .ckpt, .bin); {conversion(path, path)}"
    if _PICKLE.match(head):
        return f"a PyTorch file (.pt, .ckpt, .bin); {conversion(path, path)}"
    if head.startswith(b"PK\x03\x04"):
        return "a ZIP archive or PyTorch file that is cut short; copy or download it again"
    if _WEB_PAGE.match(head):
        return "a web page; download the file itself, logged in where the site wants it"
    if head.lstrip()[:1] == b"{":
        return "a JSON text, such as a site's error message; download the file itself"
    return by_start(head) or _text(head)


def _text(head: bytes) -> str | None:
    """Return what a text begins with; None for anything else."""
    with suppress(UnicodeDecodeError):
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)  # its end may be cut
        if all(letter.isprintable() or letter.isspace() for letter in text):
            first = " ".join(text.split())
            cut = f"{first[:_SHOWN]}…" if len(first) > _SHOWN else first
            return f"a text that begins with {cut!r}; download the file itself"
    return None


def by_start(head: bytes) -> str | None:
    """Return what begins with these bytes; None where that is not known."""
    return next((what for start, what in _FIRST_BYTES if head.startswith(start)), None)


def likely_encoding(data: bytes) -> str:
    """Return in which encoding a text seems to be that is no UTF-8, by its letters."""
    for name, codec, letters in _ENCODINGS:
        with suppress(UnicodeDecodeError):
            if letters.search(data.decode(codec)):
                return name
    return "Windows-1252"


def by_keys(keys: Collection[str]) -> str | None:
    """Return what a safetensors file without a LoRA and without a model is, by its tensors' names.

    None where no name is that of such a thing alone.
    """
    first_words = {key.split(".")[0] for key in keys}
    if keys and (first_words <= _EMBEDDING_KEYS or len(keys) == 1):
        return "a textual inversion embedding, as it seems"
    if not keys:
        return "empty: it has no tensors"
    return _first(_ADDITIONS, keys)


def by_parts(keys: Collection[str]) -> str | None:
    """Return what a model seems to be whose tensors have such names; None for an unknown one."""
    return _first(_PARTS, keys)


def _first(kinds: Iterable[tuple[str, str]], keys: Collection[str]) -> str | None:
    return next((what for part, what in kinds if any(part in key for key in keys)), None)


def conversion(source: Path, target: Path) -> str:
    """Return how to convert a file of PyTorch's to `target`, a .safetensors file."""
    program = (
        "import sys, torch; from safetensors.torch import save_file; "
        "t = torch.load(sys.argv[1], map_location='cpu', weights_only=True); "
        "t = t.get('state_dict', t); "
        "t = {k: v.clone().contiguous() for k, v in t.items() if torch.is_tensor(v)}; "
        "save_file(t, sys.argv[2])"
    )
    return (
        "pickled files are not read, because they can run code. Convert it: "
        f'uv run python -c "{program}" {shlex.quote(str(source))} {shlex.quote(str(target))}'
    )
