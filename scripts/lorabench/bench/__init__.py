"""Evaluate the pictures of a sweep: measures, the verdict, grids and plots."""
