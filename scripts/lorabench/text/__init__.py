"""How things are said: plurals and lists, brackets in prompts, bars and the screen."""
