"""Choose one node of several, by the id or title that the user named."""

from collections.abc import Sequence

from lorabench.comfy.graph.graph import Graph, listing, title
from lorabench.errors import UserError


class NotFound(UserError):
    """No node of a graph is what a benchmark needs; one that does not run may be."""


def named(graph: Graph, role: str, choice: str, allowed: Sequence[str]) -> str:
    """Return the node of `allowed` whose id or title is `choice`; raises `UserError`."""
    if choice in allowed:
        return choice
    titled = [node for node in allowed if title(graph, node) == choice]
    if len(titled) == 1:
        return titled[0]
    given = f"bench.{role}_node = {choice!r}"
    if titled:
        raise UserError(
            f"{given} fits several nodes; give the id of one of: {listing(graph, titled)}"
        )
    others = f"give the id of one of: {listing(graph, allowed)}" if allowed else "there is none"
    raise NotFound(f"{given} fits no node of that kind; {others}")


def only(graph: Graph, role: str, what: str, candidates: Sequence[str]) -> str:
    """Return the only candidate, or raise `UserError` for a choice."""
    if len(candidates) == 1:
        return candidates[0]
    raise UserError(
        f"the workflow has {len(candidates)} {what}; set bench.{role}_node"
        f" (--{role}-node) to the id or title of one of: {listing(graph, candidates)}"
    )
