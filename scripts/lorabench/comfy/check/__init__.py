"""What can be known of a workflow and its servers before the first cell."""
