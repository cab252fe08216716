"""Previews of archives: the members as a tree, a folder of it, or by name.

Of a zip only the directory is read, and nothing is decompressed. A tar has none: it is read through, within bounds.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from exports.preview.cells import clip_text
from exports.storage import safe_zip
from exports.storage.readable import Readable
from exports.storage.tar_stream import TooLongError, read_entries

MAX_DIRECTORY_BYTES: Final = 16 * 1024 * 1024
MAX_NODES: Final = 400
MAX_CHILDREN: Final = 60
MAX_DEPTH: Final = 12
MAX_MATCHES: Final = 200
MAX_SECONDS: Final = 2.0
# Of a tar, unpacked to find its members.
MAX_UNPACKED_BYTES: Final = 1024 * 1024 * 1024


class Member(Protocol):
    """A member of an archive, as the modules that read archives yield it."""

    @property
    def name(self) -> str:
        """Its path in the archive, not to be trusted."""

    @property
    def size(self) -> int:
        """Bytes, unpacked."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""


@dataclass
class TreeNode:
    """A member of an archive, or a folder with the totals of everything below it.

    `path`: its names, with / between them. `index`: of a file, its number in the directory. `size`: bytes unpacked.
    `count`: files below a folder. `omitted_files`: files that the limits leave out.
    """

    name: str
    is_folder: bool = False
    path: str = ""
    index: int = -1
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
    """The members of an archive or of one of its folders, the number of files, and their total size, in bytes.

    `is_cut`: whether reading took longer than MAX_SECONDS, so that more members are left out and not counted.
    """

    root: TreeNode
    count: int
    size: int
    is_cut: bool = False
    kind: str = "tree"


@dataclass(frozen=True)
class Matches:
    """The first MAX_MATCHES files whose path has a text in it, and how many have it. `is_cut`: as in Tree."""

    nodes: list[TreeNode]
    count: int
    is_cut: bool = False
    kind: str = "matches"


def preview_zip(source: Readable, folder: str = "") -> Tree:
    """Returns the members of an archive as a tree of at most MAX_NODES. Raises safe_zip.BrokenArchiveError.

    `folder`: the path of the folder that is meant, "" for all.
    """
    return _build_tree(_Members(source, _zip_entries, has_member_pages=True), folder)


def preview_tar_gz(source: Readable, folder: str = "") -> Tree:
    """As `preview_zip`, for a gzip-compressed tar. Raises tar_stream.BrokenTarError."""
    return _build_tree(_Members(source, _tar_entries, has_member_pages=False), folder)


def _build_tree(members: "_Members", folder: str) -> Tree:
    root, node_count = TreeNode("", is_folder=True, path=folder), 0
    above = folder.split("/") if folder else []
    for index, entry in members:
        parts = _parts(entry)
        if above and (parts[: len(above)] != above or (len(parts) == len(above) and not entry.is_folder)):
            continue
        node_count = _add_member(root, entry, index, parts, len(above), node_count)
    return Tree(root, root.count, root.size, members.is_cut)


def find_members(source: Readable, text: str) -> Matches:
    """Finds files by a text in their paths, in capitals or not. Raises safe_zip.BrokenArchiveError."""
    return _find(_Members(source, _zip_entries, has_member_pages=True), text)


def find_tar_members(source: Readable, text: str) -> Matches:
    """As `find_members`, for a gzip-compressed tar. Raises tar_stream.BrokenTarError."""
    return _find(_Members(source, _tar_entries, has_member_pages=False), text)


def _find(members: "_Members", text: str) -> Matches:
    wanted, nodes, count = text.casefold(), [], 0
    for index, entry in members:
        if entry.is_folder or wanted not in entry.name.casefold():
            continue
        count += 1
        if count <= MAX_MATCHES:
            nodes.append(TreeNode(clip_text(entry.name), path=entry.name, index=index, size=entry.size))
    return Matches(nodes, count, members.is_cut)


class _Members:
    """The members of an archive with their numbers, until MAX_SECONDS are over; -1 where none can be opened alone."""

    def __init__(
        self, source: Readable, read: "Callable[[Readable], Iterator[Member]]", *, has_member_pages: bool
    ) -> None:
        self.source, self.read, self.has_member_pages = source, read, has_member_pages
        self.is_cut = False

    def __iter__(self) -> Iterator[tuple[int, Member]]:
        deadline = time.monotonic() + MAX_SECONDS
        try:
            for number, entry in enumerate(self.read(self.source)):
                if number % 1000 == 999 and time.monotonic() > deadline:
                    self.is_cut = True
                    return
                yield (number if self.has_member_pages else -1), entry
        except TooLongError:
            self.is_cut = True


def _zip_entries(source: Readable) -> Iterator[Member]:
    with safe_zip.open_zip(source, MAX_DIRECTORY_BYTES) as archive:
        yield from archive.entries()


def _tar_entries(source: Readable) -> Iterator[Member]:
    with source.open("rb") as file:
        yield from read_entries(file, max_bytes=MAX_UNPACKED_BYTES, max_seconds=MAX_SECONDS)


def _parts(entry: Member) -> list[str]:
    return [part for part in entry.name.split("/") if part not in ("", ".")] or ["?"]


def _add_member(root: TreeNode, member: Member, index: int, parts: list[str], above: int, node_count: int) -> int:
    """Adds a member to the tree, and its size to all folders above it. Returns the new number of nodes.

    `above`: how many of its `parts` lead to the root. A single folder shows as many children as there may be nodes.
    """
    is_file = not member.is_folder
    folders = parts[above : -1 if is_file else None][:MAX_DEPTH]
    max_children = MAX_NODES if above else MAX_CHILDREN
    node = root
    for depth, name in enumerate([*folders, *parts[-1:]] if is_file else folders):
        node.size += member.size
        node.count += is_file
        if name not in node.children:
            if node_count >= MAX_NODES or len(node.children) >= max_children:
                node.omitted_files += is_file
                return node_count
            is_folder = depth < len(folders)
            path = "/".join(parts[: above + depth + 1])
            node.children[name] = TreeNode(clip_text(name), is_folder, path, -1 if is_folder else index)
            node_count += 1
        node = node.children[name]
    node.size += member.size
    return node_count
