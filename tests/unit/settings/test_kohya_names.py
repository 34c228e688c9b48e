"""sd-scripts' names for settings, and ours."""

import pytest

from lorabench.base.stable_diffusion import BUNDLED
from lorabench.errors import UserError
from lorabench.settings import kohya_names
from lorabench.settings.layers import resolve
from lorabench.settings.models import Config
from lorabench.settings.validation import keys


@pytest.mark.parametrize("name", kohya_names.OURS)
def test_sd_scripts_names_are_answered_with_ours(name):
    ours = kohya_names.OURS[name]
    assert ours in set(keys(Config))
    for where in ({"train": {name: 8}}, {name: 8}):
        with pytest.raises(UserError, match=f"sd-scripts' {name} is {ours} here"):
            resolve({"raw_set": "x", **where}, BUNDLED.preset)


@pytest.mark.parametrize("name", kohya_names.WITHOUT)
def test_sd_scripts_names_without_a_key_of_ours_are_told_what_stands_for_them(name):
    with pytest.raises(UserError) as error:
        resolve({"raw_set": "x", "train": {name: True}}, BUNDLED.preset)
    assert kohya_names.WITHOUT[name] in str(error.value)
