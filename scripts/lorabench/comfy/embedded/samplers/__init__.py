"""Samplers, which turn noise into a picture along falling noise levels; `table.py` lists them."""
