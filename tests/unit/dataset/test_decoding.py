"""Decoding: every format and mode comes out as upright sRGB, or with a reason."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  (Pillow writes JPEG XL by it)
import pytest
from PIL import ExifTags, Image, ImageCms, ImageDraw

from lorabench.dataset.decoding import (
    RejectedError,
    check_pixels,
    decode,
    open_picture,
    resize,
    upright_size,
)
from tests.pictures import CORNERS, close, corner_colours, corners, photo

pillow_heif.register_heif_opener()
LOSSLESS = {"JXL": {"lossless": True}}


def saved(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    buffer.seek(0)
    return buffer


def decoded(image, format, background="#ffffff", scale=1.0, **options):
    return decode(open_picture(saved(image, format, **options)), background, scale)


def reason(data):
    with pytest.raises(RejectedError) as refusal:
        decode(open_picture(io.BytesIO(data)))
    return str(refusal.value)


@pytest.mark.parametrize(
    "format",
    ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "MPO", "HEIF", "JXL"],
)
def test_every_format_is_read(format):
    picture = decoded(corners(64, 48), format, **LOSSLESS.get(format, {}))
    assert (picture.mode, picture.size) == ("RGB", (64, 48))
    for found, meant in zip(corner_colours(picture), CORNERS, strict=True):
        assert close(found, meant, 8)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(format, orientation):
    lying = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = corners(64, 48)
    stored = upright.transpose(lying[orientation]) if orientation in lying else upright
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif = exif.tobytes() if format == "HEIF" else exif  # its writer takes nothing else
    image = open_picture(saved(stored, format, exif=exif))
    assert upright_size(image) == (64, 48)
    picture = decode(image)
    assert picture.size == (64, 48)
    for found, meant in zip(corner_colours(picture), CORNERS, strict=True):
        assert close(found, meant, 8)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_an_orientation_that_does_not_exist_and_broken_exif_are_ignored():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 99
    assert decoded(corners(64, 48), "JPEG", exif=exif).size == (64, 48)
    assert decoded(corners(64, 48), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff").size == (64, 48)


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_and_bilevel(mode):
    image = Image.new("L", (32, 32), 255)
    ImageDraw.Draw(image).rectangle((0, 0, 15, 31), fill=0)
    picture = decoded(image.convert(mode), "PNG")
    assert picture.mode == "RGB"
    assert picture.getpixel((4, 4)) == (0, 0, 0)
    assert picture.getpixel((28, 4)) == (255, 255, 255)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_high_byte(format):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    picture = decoded(Image.fromarray(np.tile(ramp, (16, 1))), format)
    assert np.array_equal(np.asarray(picture)[0, :, 0], ramp >> 8)


def test_sixteen_bit_grey_of_the_other_byte_order():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)
    image = Image.frombytes("I;16B", (64, 16), np.tile(ramp, (16, 1)).astype(">u2").tobytes())
    picture = decoded(image, "TIFF")
    assert np.array_equal(np.asarray(picture)[0, :, 0], ramp >> 8)


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour(channels):
    values = (0xFFFF, 0x8000, 0x1000, 0xFFFF)[:channels]
    picture = decode(open_picture(io.BytesIO(png16(8, 8, values))))
    assert close(picture.getpixel((4, 4)), (255, 128, 16), 1)


def png16(width, height, values):
    """A 16-bit RGB or RGBA PNG of one colour, which Pillow cannot write."""
    row = b"\0" + struct.pack(f">{len(values)}H", *values) * width
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if len(values) == 3 else 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("values", "grey"), [(np.int32(40000), 156), (np.int32(2**31 - 1), 255), (np.float32(0.5), 128)]
)
def test_wide_integers_and_floats(values, grey):
    picture = decoded(Image.fromarray(np.full((16, 16), values)), "TIFF")
    assert close(picture.getpixel((8, 8)), (grey,) * 3, 1)


def test_float_levels_above_one_are_levels():
    picture = decoded(Image.fromarray(np.full((16, 16), 200, np.float32)), "TIFF")
    assert picture.getpixel((8, 8)) == (200, 200, 200)


def test_palette():
    picture = decoded(corners(32, 32).quantize(4), "PNG")
    assert close(picture.getpixel((4, 4)), CORNERS[0], 1)


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_a_transparent_palette_colour_becomes_the_background(format):
    image = corners(32, 32).quantize(4)
    picture = decoded(image, format, "#0a141e", transparency=image.getpixel((4, 4)))
    assert picture.getpixel((4, 4)) == (10, 20, 30)
    assert close(picture.getpixel((28, 28)), CORNERS[3], 1)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("background", "expected"), [("#ffffff", (227, 177, 127)), ("#000000", (100, 50, 0))]
)
def test_alpha_is_flattened_on_the_background(format, background, expected):
    options = {"lossless": True} if format == "WEBP" else {}
    picture = decoded(
        Image.new("RGBA", (32, 32), (200, 100, 0, 128)), format, background, **options
    )
    assert close(picture.getpixel((8, 8)), expected, 1)


def test_grey_with_alpha():
    picture = decoded(Image.new("LA", (32, 32), (100, 0)), "PNG", "#102030")
    assert picture.getpixel((8, 8)) == (16, 32, 48)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_colour_without_alpha_channel(mode):
    colour = 77 if mode == "L" else (77, 78, 79)
    picture = decoded(Image.new(mode, (32, 32), colour), "PNG", "#102030", transparency=colour)
    assert picture.getpixel((8, 8)) == (16, 32, 48)


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk(format):
    picture = decoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), format)
    assert picture.getpixel((8, 8))[0] > 200
    assert max(picture.getpixel((8, 8))[1:]) < 60


def test_ycbcr_and_lab():
    assert close(decoded(corners(32, 32).convert("YCbCr"), "TIFF").getpixel((4, 4)), CORNERS[0], 4)
    # L* 53.2, a* 80.1, b* 67.2 is sRGB red; Pillow keeps a* and b* with 128 added
    lab = Image.new("LAB", (32, 32), (136, 208, 195))
    assert close(decoded(lab, "TIFF").getpixel((4, 4)), CORNERS[0], 12)


def swapped_profile():
    """A real matrix profile: sRGB whose red and blue primaries have changed places."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {}
    for index in range(struct.unpack_from(">I", data, 128)[0]):
        at = 132 + 12 * index
        tags[bytes(data[at : at + 4])] = at
    for name, new in ((b"rXYZ", b"bXYZ"), (b"bXYZ", b"rXYZ")):
        data[tags[name] : tags[name] + 4] = new
    old, new = ("sRGB built-in".encode("utf-16-be"), "red is blue!!".encode("utf-16-be"))
    return bytes(data).replace(old, new)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_colours_go_through_the_icc_profile(format):
    image = Image.new("RGB", (32, 32), (255, 0, 0))
    picture = decoded(image, format, icc_profile=swapped_profile())
    assert close(picture.getpixel((8, 8)), (0, 0, 255), 8)


def test_alpha_and_palette_go_through_the_profile_too():
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    picture = decoded(image, "PNG", icc_profile=swapped_profile())
    assert close(picture.getpixel((8, 8)), (0, 0, 255))
    assert picture.getpixel((0, 0)) == (255, 255, 255)
    picture = decoded(image.convert("RGB").quantize(4), "PNG", icc_profile=swapped_profile())
    assert close(picture.getpixel((8, 8)), (0, 0, 255))


def test_a_grey_picture_with_a_colour_profile():
    picture = decoded(Image.new("L", (32, 32), 128), "PNG", icc_profile=swapped_profile())
    assert picture.mode == "RGB"


@pytest.mark.parametrize("profile", [b"no profile at all", b"\0" * 200])
def test_a_broken_profile_is_ignored(profile):
    picture = decoded(Image.new("RGB", (32, 32), (200, 10, 10)), "PNG", icc_profile=profile)
    assert picture.getpixel((8, 8)) == (200, 10, 10)


def test_srgb_is_left_as_it_is():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = photo(1, 64, 64)
    assert decoded(image, "PNG", icc_profile=profile).tobytes() == image.tobytes()


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation(format):
    frames = [Image.new("RGB", (32, 32), colour) for colour in CORNERS]
    picture = decoded(frames[0], format, save_all=True, append_images=frames[1:])
    assert close(picture.getpixel((8, 8)), CORNERS[0])


def test_a_result_has_no_metadata():
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = decoded(photo(1), "PNG", exif=exif, icc_profile=profile, dpi=(300, 300))
    result = Image.open(saved(resize(picture, (128, 128), (0, 0, 160, 160)), "PNG"))
    result.load()
    assert result.info == {}


def test_jpeg_is_decoded_smaller_only_where_lanczos_halves_it_still():
    image = photo(1, 800, 600)
    assert decoded(image, "JPEG", scale=0.5).size == (800, 600)
    assert decoded(image, "JPEG", scale=0.26).size == (800, 600)
    assert decoded(image, "JPEG", scale=0.25).size == (400, 300)
    assert decoded(image, "JPEG", scale=0.06).size == (100, 75)
    assert decoded(image, "PNG", scale=0.06).size == (800, 600)


def test_decoding_smaller_loses_nothing():
    noise = np.random.default_rng(0).normal(0, 20, (600, 800, 3))
    noisy = np.clip(np.asarray(photo(1, 800, 600)) + noise, 0, 255)
    image = Image.fromarray(noisy.astype(np.uint8))
    jpeg = saved(image, "JPEG", quality=95)
    whole = Image.open(jpeg).resize((160, 120), Image.Resampling.LANCZOS)
    drafted = decode(open_picture(saved(image, "JPEG", quality=95)), scale=0.2)
    assert drafted.size == (400, 300)
    found = resize(drafted, (160, 120), (0, 0, 400, 300))
    assert np.abs(np.asarray(found, int) - np.asarray(whole, int)).max() <= 4


def test_garbage_has_a_reason():
    assert reason(b"") == "cannot be decoded: the file is empty"
    assert reason(b"hello" * 100) == "cannot be decoded: not a picture that is known here"
    assert "<" not in reason(b"\x89PNG\r\n\x1a\n" + b"\xff" * 100)


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_truncation_is_found(format, options, share):
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), format, **options).getvalue()
    assert reason(data[: int(len(data) * share)]) == "truncated: the file ends too early"


@pytest.mark.parametrize("scale", [1, 0.1])
def test_truncation_is_found_where_a_jpeg_is_decoded_smaller(scale):
    data = saved(photo(1, 800, 600), "JPEG").getvalue()
    with pytest.raises(RejectedError, match="truncated"):
        decode(open_picture(io.BytesIO(data[: len(data) // 2])), scale=scale)


def test_a_bomb_is_known_before_it_is_decoded():
    bomb = saved(Image.new("1", (20000, 20000)), "PNG")
    assert len(bomb.getvalue()) < 1e6
    size = open_picture(bomb).size
    with pytest.raises(RejectedError) as refusal:
        check_pixels(size, 100)
    assert str(refusal.value) == "too many pixels: 20000×20000 are 400.0 million, at most 100"
    check_pixels(size, 400)


def test_an_orientation_in_jpeg_xl_counts_only_where_it_holds_a_jpeg(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    corners(64, 48).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as jpeg:
        jpeg.save(tmp_path / "a.jxl", lossless_jpeg=True)
    with (tmp_path / "a.jxl").open("rb") as file:
        assert decode(open_picture(file)).size == (48, 64)
    assert decoded(corners(64, 48), "JXL", exif=exif.tobytes()).size == (64, 48)


@pytest.mark.parametrize("format", ["AVIF", "WEBP", "MPO"])
def test_of_several_frames_the_first_is_taken(format):
    more = {"save_all": True, "append_images": [Image.new("RGB", (64, 48))]}
    picture = decoded(Image.new("RGB", (64, 48), (250, 250, 250)), format, **more)
    assert close(picture.getpixel((30, 20)), (250, 250, 250))


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("AVIF", "cannot be decoded: a damaged or truncated AVIF file"),
        ("JXL", "cannot be decoded: a damaged or truncated JPEG XL file"),
        ("HEIF", "truncated: the file ends too early"),
    ],
)
def test_a_cut_off_picture_of_a_new_format_is_refused(format, said):
    data = saved(photo(1), format).getvalue()
    assert reason(data[: len(data) // 2]) == said


def test_what_only_begins_as_a_heic_is_a_damaged_one():
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200
    assert reason(data) == "cannot be decoded: a damaged or truncated HEIC file"
    assert "not a picture" in reason(data.replace(b"heic", b"isom"))  # a film


def peak_of(image):
    """Return by how many MB the process grew at most while a picture was decoded."""
    image.load()
    Path("/proc/self/clear_refs").write_text("5")
    before = _now("VmRSS")
    picture = decode(image)
    return (_now("VmHWM") - before) / 1024, picture


def _now(name):
    return int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0])


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_wide_channels_take_little_more_memory_than_the_picture(dtype):
    values = np.broadcast_to(np.linspace(0, 60000, 4000).astype(dtype), (4000, 4000))
    most, picture = peak_of(Image.open(saved(Image.fromarray(values), "TIFF")))
    assert most < 4 * 16 + 20, "16 MB of grey, three of RGB for it, and bands"
    expected = values[0] if dtype == np.float32 else values[0] / (257 if dtype == np.int32 else 256)
    found = np.asarray(picture)[-1, :, 0].astype(float)
    assert abs(found - expected.clip(0, 255)).max() <= 1


@pytest.mark.parametrize("format", ["EPS", "PPM", "TGA", "ICO"])
def test_a_file_of_another_kind_is_no_picture_whatever_its_name(format):
    assert "not a picture that is known here" in reason(saved(photo(1, 64, 64), format).getvalue())
