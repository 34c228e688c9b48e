"""How a base model's text encoder cuts captions into tokens. Nothing here imports torch."""

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

from lorabench.errors import UserError


def counter(base_model: Path) -> Callable[[str], int]:
    """Return what counts the tokens of a caption for the checkpoint at `base_model`.

    The two that begin and end every caption are not counted. Single files have CLIP's own.
    """
    own = base_model / "tokenizer" / "tokenizer.json"
    if own.is_file():
        found = Tokenizer.from_file(str(own))
        return lambda caption: len(found.encode(caption, add_special_tokens=False).ids)
    if own.parent.is_dir():
        whole = CLIPTokenizer.from_pretrained(own.parent, local_files_only=True)
    else:
        whole = clip_tokenizer()
    return lambda caption: len(whole(caption, add_special_tokens=False).input_ids)


def knower() -> Callable[[str], bool]:
    """Return what knows whether a word is one: CLIP's vocabulary has the words that people write.

    Those that it has seldom seen, such as misspelt ones, it puts together from pieces.
    """
    words = clip_tokenizer().get_vocab()
    return lambda word: f"{word}</w>" in words


def clip_tokenizer() -> CLIPTokenizer:
    """Return the tokenizer of CLIP ViT-L/14, from the vocabulary that clip-anytorch installs.

    The vocabulary is OpenAI's list of byte-pair merges: the ids are the 256 bytes, the 256 bytes
    that end a word, then one id a merge, then the two special tokens.
    """
    package = importlib.util.find_spec("clip")
    if package is None or package.origin is None:
        raise UserError("the package clip-anytorch is missing: it holds the CLIP vocabulary.")
    with gzip.open(Path(package.origin).with_name("bpe_simple_vocab_16e6.txt.gz"), "rt") as file:
        lines = file.read().splitlines()
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    alphabet = sorted(ByteLevel.alphabet())
    words = [*alphabet, *(letter + "</w>" for letter in alphabet), *map("".join, merges)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    # pyrefly: ignore[bad-argument-type] (it takes lines or pairs, and declares lines)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)
