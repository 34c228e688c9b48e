"""A client of ComfyUI's HTTP API, and how the embedded server is started."""
