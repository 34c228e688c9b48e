"""Emphasis and clip skip on a stand-in encoder whose layers can be written down.

The hidden state of layer n at a token is id + 100 * n + 1000 * (the chunk's first word), the
final layer norm halves.
"""

from types import SimpleNamespace

import pytest
import torch

from lorabench.comfy.embedded import conditioning

LENGTH, LAYERS = 6, 3


class Encoder:
    device = torch.device("cpu")
    config = SimpleNamespace(max_position_embeddings=LENGTH, num_hidden_layers=LAYERS)

    def __call__(self, ids, output_hidden_states=False):
        base = (ids + 1000 * ids[:, 1:2]).float()[..., None]
        hidden = [base + 100 * layer for layer in range(LAYERS + 1)]
        return SimpleNamespace(
            last_hidden_state=self.final_layer_norm(hidden[-1]),
            hidden_states=tuple(hidden) if output_hidden_states else None,
        )

    def final_layer_norm(self, hidden):
        return hidden / 2


class Tokenizer:
    bos_token_id, eos_token_id = 1, 2

    def __call__(self, text, verbose=True):
        return {"input_ids": [1, *(10 * len(word) for word in text.split()), 2]}


def encode(text, last_layer=None):
    return conditioning.encode(text, Tokenizer(), [Encoder()], last_layer).features


def hidden(ids, layer=LAYERS):
    return torch.tensor([(i + 100 * layer + 1000 * ids[1]) / 2 for i in ids])


def test_plain_text_is_the_encoders_output():
    assert encode("a bb").shape == (1, LENGTH, 1)
    assert encode("a bb").flatten().tolist() == hidden([1, 10, 20, 2, 2, 2]).tolist()


def test_a_weight_moves_a_token_away_from_the_empty_prompt():
    plain, empty = hidden([1, 10, 20, 2, 2, 2]), hidden([1, 2, 2, 2, 2, 2])
    expected = plain.clone()
    expected[2] = empty[2] + 1.5 * (plain[2] - empty[2])
    assert encode("a (bb:1.5)").flatten().tolist() == expected.tolist()


def test_a_weight_of_one_changes_nothing():
    assert torch.equal(encode("a (bb:1.0)"), encode("a bb"))


def test_long_texts_are_chunks_in_a_row():
    found = encode("a a a a bb").flatten()
    expected = [hidden([1, 10, 10, 10, 10, 2]), hidden([1, 20, 2, 2, 2, 2])]
    assert len(found) == 2 * LENGTH
    assert found.tolist() == torch.cat(expected).tolist()


@pytest.mark.parametrize(("last_layer", "layer"), [(-1, 3), (-2, 2), (-3, 1), (-4, 3), (-24, 3)])
def test_clip_skip_takes_an_earlier_layer_through_the_final_norm(last_layer, layer):
    expected = hidden([1, 10, 2, 2, 2, 2], layer)
    assert encode("a", last_layer).flatten().tolist() == expected.tolist()
