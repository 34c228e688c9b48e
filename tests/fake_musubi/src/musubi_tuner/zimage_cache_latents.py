"""The program of this name for Z-Image."""

import fake

if __name__ == "__main__":
    fake.latents("zimage_cache_latents")
