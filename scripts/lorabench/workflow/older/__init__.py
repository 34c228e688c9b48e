"""The older command line: its options, its call of Snakemake, its lock."""
