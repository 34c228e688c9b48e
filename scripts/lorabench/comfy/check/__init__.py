"""Check a workflow and its servers before the first cell."""
