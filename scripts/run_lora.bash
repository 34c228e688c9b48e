#!/usr/bin/env bash
# Trains a LoRA with kohya's sd-scripts; --help lists the options.
exec python "$(dirname "${BASH_SOURCE[0]}")/train_kohya.py" "$@"
