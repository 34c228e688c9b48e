"""What belongs to Snakemake's run itself: its console, its hooks, its end."""
