"""From a folder of raw pictures to the set that both trainers take as it is."""
