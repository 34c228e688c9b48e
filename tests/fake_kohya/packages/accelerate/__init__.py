"""As much of accelerate as the tests need."""
