"""The program of this name for Z-Image."""

import fake

if __name__ == "__main__":
    fake.captions("zimage_cache_text_encoder_outputs")
