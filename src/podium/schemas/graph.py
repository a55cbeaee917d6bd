"""Which nodes of a graph lead to each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def components(nodes: Iterable[Node], after: Callable[[Node], Iterable[Node]]) -> Iterator[list[Node]]:
    """
    Give the strongly connected components of a graph, each after all that it leads to.

    Tarjan's algorithm (1972), with a stack of its own: patterns may be longer than Python's recursion goes.
    """
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    open_nodes: dict[Node, None] = {}
    for root in nodes:
        if root in index:
            continue
        trail = [(root, iter(after(root)))]
        index[root] = low[root] = len(index)
        open_nodes[root] = None
        while trail:
            node, rest = trail[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    open_nodes[other] = None
                    trail.append((other, iter(after(other))))
                    break
                if other in open_nodes:
                    low[node] = min(low[node], index[other])
            else:
                trail.pop()
                if trail:
                    low[trail[-1][0]] = min(low[trail[-1][0]], low[node])
                if low[node] == index[node]:
                    yield _closed(open_nodes, node)


def _closed(open_nodes: dict[Node, None], node: Node) -> list[Node]:
    members: list[Node] = []
    while not members or members[-1] != node:
        members.append(open_nodes.popitem()[0])
    return members
