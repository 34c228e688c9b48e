"""What is measured on the pictures: one row each."""
