"""A workflow as a graph: read from its file, its nodes' roles, one cell set in it."""
