"""Which files are named where one is not there."""

from lorabench.text import nearest


def test_the_suffixes_that_all_have_make_no_file_alike():
    files = ["ae.safetensors", "flux1-dev.safetensors", "flux1-schnell.safetensors"]
    assert nearest.there("flux1dev.safetensors", files) == (
        "; nearest there: flux1-dev.safetensors, flux1-schnell.safetensors"
    )
    assert nearest.there("zzz.safetensors", files) == ""
    assert nearest.there("SDXL/ae1.safetensors", files) == "; nearest there: ae.safetensors"
