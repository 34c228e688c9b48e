"""The form in which ComfyUI's frontend saves workflows."""
