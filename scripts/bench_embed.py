"""Place the pictures of a sweep in an embedding: a row per picture, for bench_metrics.py.

An embedding is a CLIP, SigLIP or DINO model, or the base model's own features.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli, files
from lorabench.errors import UserError


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    from lorabench.bench.embeddings import embedding
    from lorabench.sweep.pictures import pictures_of_set
    from lorabench.sweep.record import SweepRecord

    sweep = SweepRecord.read(arguments.sweep)
    reference = pictures_of_set(arguments.reference)
    where = arguments.embedding
    embedding.check(where)
    if where == embedding.BASE and not arguments.base_model:
        raise UserError(f"--embedding {where} needs --base-model, the model whose features count")
    import torch  # only once all else is right

    from lorabench.base.model import usable_device
    from lorabench.bench.embeddings import table as embedding_table

    torch.set_num_threads(arguments.threads)
    table = embedding_table.measure(
        sweep.pictures_in(arguments.sweep.parent),
        arguments.output.parent,
        embedding.load(where, arguments.base_model, usable_device(arguments.device)),
        embedding.name(where),
        reference=reference,
        prompts=embedding_table.prompts_of(sweep),
    )
    with files.publish(arguments.output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    cli.detail("%s: %d pictures embedded", arguments.output, len(table))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--sweep", type=Path, required=True, metavar="YAML", help="the record of the sweep; the "
        "pictures lie beside it")  # fmt: skip
    add("--embedding", required=True, metavar="FOLDER", help="a model that transformers loads,"
        " or `base`")  # fmt: skip
    add("--base-model", type=Path, help="for `base`: a .safetensors file or diffusers folder")
    add("--reference", type=Path, metavar="FOLDER", help="what reference_set.py wrote: measures the"
        " style gained")  # fmt: skip
    add("--output", type=Path, required=True, metavar="CSV", help="the table")
    add("--threads", type=cli.positive, default=1, help="CPU threads (default: 1)")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"))
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
