"""ComfyUI: workflows, a client for its HTTP API, and a small server of its kind."""
