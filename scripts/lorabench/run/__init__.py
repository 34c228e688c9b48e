"""The plan of a call, the identity and record of a run, and checks before it starts."""
