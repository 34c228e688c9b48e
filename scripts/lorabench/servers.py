"""Where a benchmark is rendered, as `comfy_url` says it."""

from collections.abc import Iterable

EMBEDDED = ("embedded",)


def servers(given: Iterable[str]) -> tuple[str, ...]:
    """Return the URLs without a slash at their end, or `EMBEDDED`.

    Raises `ValueError` for anything else.
    """
    urls = tuple(url.strip().rstrip("/") for url in given)
    if urls and (urls == EMBEDDED or all(url.startswith(("http://", "https://")) for url in urls)):
        return urls
    raise ValueError("allowed: embedded, or URLs such as http://127.0.0.1:8188")
