"""The pictures of a sweep: measured, compared with weight 0, and laid out in grids."""
