"""Which networks stay on a card of 10 bytes that has more to hold."""

import gc
from types import SimpleNamespace

import pytest
from torch import nn

from lorabench.comfy.embedded.residents import Residents

CARD = 10


class Network(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size, self.device = size, "cpu"

    def parameters(self, recurse=True):
        return iter([SimpleNamespace(nbytes=self.size)])

    def to(self, device):
        self.device = device
        return self


@pytest.fixture
def card(monkeypatch):
    """Return residents, and networks of these sizes that lie on the card once they are brought."""

    def make(*sizes):
        networks = [Network(size) for size in sizes]
        on_it = lambda: sum(one.size for one in networks if one.device == "cuda")  # noqa: E731
        monkeypatch.setattr(Residents, "_free", lambda self: CARD - on_it())
        return Residents("cuda"), networks

    return make


def test_what_fits_stays(card):
    residents, networks = card(4, 3, 2)
    for one in networks:
        assert residents.bring(one, working=1) is one
    assert [one.device for one in networks] == ["cuda"] * 3


def test_the_one_used_longest_ago_leaves_first(card):
    residents, (unet, encoder, vae) = card(5, 3, 4)
    for one in (unet, encoder, unet):
        residents.bring(one, working=1)
    residents.bring(vae, working=1)
    assert (unet.device, encoder.device, vae.device) == ("cuda", "cpu", "cuda")


def test_room_to_work_is_made_by_the_others_not_by_itself(card):
    residents, (unet, vae) = card(6, 2)
    residents.bring(unet, working=1)
    residents.bring(vae, working=7)
    assert (unet.device, vae.device) == ("cpu", "cuda")
    residents.bring(vae, working=99)
    assert vae.device == "cuda"


def test_a_network_that_is_gone_is_not_kept_alive(card):
    residents, networks = card(6)
    residents.bring(networks.pop(), working=1)
    gc.collect()
    (other,) = networks[:] or [Network(9)]
    residents.bring(other, working=1)
    assert [reference() for reference in residents._networks] == [other]


def test_on_a_cpu_nothing_moves():
    one = Network(99)
    assert Residents("cpu").bring(one) is one and one.device == "cpu"
