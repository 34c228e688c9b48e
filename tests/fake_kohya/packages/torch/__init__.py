"""As much of torch as the tests need: a machine with no GPU, or with the one in FAKE_GPU."""

import os


class cuda:
    @staticmethod
    def is_available():
        return "FAKE_GPU" in os.environ

    @staticmethod
    def is_bf16_supported():
        return os.environ["FAKE_GPU"] == "bf16"
