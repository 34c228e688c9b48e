"""Measure the pictures: one row each."""
