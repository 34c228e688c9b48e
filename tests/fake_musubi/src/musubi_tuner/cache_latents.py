"""Does nothing; the real one is for a video model, and its name says that musubi-tuner is here."""
