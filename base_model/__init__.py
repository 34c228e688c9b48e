"""The bundled base model, from nothing: a drawn world, its captions, and what learns them."""
