"""Snakemake's run itself: its console, its hooks, its end."""
