"""Previews of zip archives: the members as a tree, read from the directory. Nothing is decompressed."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exports.preview.cells import clip_text
from exports.storage import safe_zip

MAX_DIRECTORY_BYTES: Final = 16 * 1024 * 1024
MAX_NODES: Final = 400
MAX_CHILDREN: Final = 60
MAX_DEPTH: Final = 12
MAX_SECONDS: Final = 2.0


@dataclass
class TreeNode:
    """A member of an archive, or a folder with the totals of everything below it.

    `size`: bytes unpacked. `count`: files below a folder. `omitted_files`: files that the limits leave out.
    """

    name: str
    is_folder: bool = False
    size: int = 0
    count: int = 0
    children: dict[str, "TreeNode"] = field(default_factory=dict)
    omitted_files: int = 0

    @property
    def sorted_children(self) -> list["TreeNode"]:
        """The children by name, folders first."""
        return sorted(self.children.values(), key=lambda node: (not node.is_folder, node.name.casefold()))


@dataclass(frozen=True)
class Tree:
    """The members of an archive, the number of files, and their total size unpacked, in bytes.

    `is_cut`: whether reading took longer than MAX_SECONDS, so that more members are left out and not counted.
    """

    root: TreeNode
    count: int
    size: int
    is_cut: bool = False
    kind: str = "tree"


def preview_zip(path: Path) -> Tree:
    """Returns the members of an archive as a tree of at most MAX_NODES. Raises safe_zip.DirectoryTooLargeError."""
    root, node_count = TreeNode("", is_folder=True), 0
    deadline = time.monotonic() + MAX_SECONDS
    with safe_zip.open_zip(path, MAX_DIRECTORY_BYTES) as archive:
        for number, entry in enumerate(archive.entries()):
            if number % 1000 == 999 and time.monotonic() > deadline:
                return Tree(root, root.count, root.size, is_cut=True)
            node_count = _add_member(root, entry, node_count)
    return Tree(root, root.count, root.size)


def _add_member(root: TreeNode, member: safe_zip.Entry, node_count: int) -> int:
    """Adds a member to the tree, and its size to all folders above it. Returns the new number of nodes."""
    parts = [part for part in member.name.split("/") if part] or ["?"]
    is_file = not member.is_folder
    folders = parts[: -1 if is_file else None][:MAX_DEPTH]
    node = root
    for depth, name in enumerate([*folders, *parts[-1:]] if is_file else folders):
        node.size += member.size
        node.count += is_file
        if name not in node.children:
            if node_count >= MAX_NODES or len(node.children) >= MAX_CHILDREN:
                node.omitted_files += is_file
                return node_count
            node.children[name] = TreeNode(clip_text(name), is_folder=depth < len(folders))
            node_count += 1
        node = node.children[name]
    node.size += member.size
    return node_count
