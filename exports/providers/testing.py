"""The contract as checks that a provider passes or fails, for the tests of providers shipped here and in packages.

    from exports.providers.testing import contract_problems

    def test_it_meets_the_contract() -> None:
        assert contract_problems(Inkwell(), {"token": "any-token"}) == []

Each of CHECKS takes the provider and secrets that its `secret_problems` accepts, needs no network, and raises
ContractError, an AssertionError, with a sentence that says what is wrong.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from exports import formats
from exports.providers import contract
from exports.providers.contract import Job, Kind, Provider
from exports.providers.packages import DECLARED, SLUG
from exports.transport.calls import ApiResponse
from exports.transport.client import Client
from exports.transport.errors import ProviderError
from exports.transport.ssrf import AddressGuard

Check = Callable[[Provider, Mapping[str, str]], None]
STATES: Final = frozenset({"running", "done", "failed", "canceled", "unknown"})
MIN_DEADLINE, MAX_DEADLINE = timedelta(minutes=30), timedelta(days=2)
MAX_POLLS_OF_TEN_MINUTES: Final = 20
PROJECT: Final = "1"
MAX_LINES: Final = 120
# What a provider may import of the portal and of Django. Everything else changes without a version of the contract.
MAY_IMPORT: Final = re.compile(
    r"exports\.(providers|transport|formats)(\.|$)|django\.(forms|utils|core\.exceptions)(\.|$)"
)
# What an API may answer by mistake, behind a proxy, or in its next version.
BODIES: Final[tuple[Any, ...]] = (
    *(None, True, 0, 1.5, -1, "", "text", [], {}, [[]], [None], [1], ["text"], [{}], {"id": None}, {"id": []}),
    *({"id": {}}, {"id": 1, "status": None}, {"id": "1", "status": 7}, {"id": 2**70, "status": "done"}, {"error": {}}),
    *({"data": None}, {"data": []}, {"result": [None]}, {"data": {"progress": "x"}}, {"items": "x"}, {"url": 1}),
    *({"message": {"error": ["x"]}}, [{"id": 1, "name": None}], {"success": False}, {"status": {"state": "done"}}),
)


class ContractError(AssertionError):
    """The provider does not keep the contract; the text says where."""


def _expect(holds: object, sentence: str) -> None:
    if not holds:
        raise ContractError(sentence)


def check_declaration(provider: Provider, secrets: Mapping[str, str]) -> None:
    """What the provider declares of itself is complete and consistent."""
    missing = [name for name in DECLARED if not hasattr(provider, name)]
    _expect(not missing, f"It does not declare {', '.join(missing)}.")
    slug = provider.slug
    _expect(SLUG.fullmatch(slug), f"The slug {slug!r} is not 2 to 30 lower-case letters and digits.")
    _expect(provider.label and provider.label.strip() == provider.label, f"{slug} has no label.")
    _expect(provider.docs.startswith("https://"), f"{slug} names no https address of its documents.")
    _expect(provider.origins or provider.address_help, f"{slug} has no origin, and no sentence about the address.")
    for name, address in provider.origins.items():
        _expect(name, f"An origin of {slug} has no name.")
        AddressGuard().check(address)
    _expect(set(provider.origin_notes) <= set(provider.origins), f"{slug} has a note on an origin that it lacks.")
    _expect(provider.kinds, f"{slug} has no kind of export.")
    types = [kind.type for kind in provider.kinds]
    _expect(len(set(types)) == len(types), f"Two kinds of {slug} have one type.")
    _expect(
        set(provider.status_map.values()) <= STATES - {"unknown"}, f"A word of {slug} has no state of the contract."
    )
    _expect(all(word == word.lower() for word in provider.status_map), f"Status words of {slug} are in lower case.")
    for class_, (calls, seconds) in provider.limits.items():
        _expect(calls >= 1 and seconds > 0, f"The limit {class_} of {slug} allows nothing.")
    re.compile(provider.project_id.pattern)
    if provider.project_pattern:
        _expect(re.compile(provider.project_pattern).groups >= 1, f"project_pattern of {slug} has no group for the id.")


def check_kinds(provider: Provider, secrets: Mapping[str, str]) -> None:
    """Each kind is complete, its formats are declared, and its options are those that it names."""
    for kind in provider.kinds:
        _check_kind(provider, kind, f"{provider.slug} {kind.type}")


def _check_kind(provider: Provider, kind: Kind, name: str) -> None:
    _expect(re.fullmatch(r"[a-z][a-z0-9_]{0,39}", kind.type), f"{name} has no type of small letters.")
    _expect(kind.label, f"{name} has no label.")
    unknown = [one for one in kind.formats if one != formats.NO_FORMAT and not formats.is_declared(one)]
    _expect(kind.formats and not unknown, f"{name} has a format that exports.formats does not declare: {unknown}.")
    _expect(kind.has_file == (formats.NO_FORMAT not in kind.formats), f"{name} yields a file and none.")
    _expect(
        MIN_DEADLINE <= kind.deadline <= MAX_DEADLINE, f"The deadline of {name} is not within 30 minutes and 2 days."
    )
    pace = kind.poll_interval
    _expect(0 < pace.initial <= pace.maximum and pace.factor > 1, f"The polls of {name} do not become rarer.")
    polls, passed, gap = 0, 0.0, pace.initial
    while passed < 600:
        polls, passed, gap = polls + 1, passed + gap, min(gap * pace.factor, pace.maximum)
    _expect(polls <= MAX_POLLS_OF_TEN_MINUTES, f"Ten minutes of {name} cost {polls} polls; 20 are allowed.")
    _expect(kind.rate_class in {contract.NORMAL, *provider.limits}, f"{name} counts in a rate class without a limit.")
    _expect(kind.effect == "copies" or kind.cost, f"{name} changes something, and does not say what beside the button.")
    _expect(kind.has_file or not kind.authorised_download, f"{name} has no file to download with the credential.")
    for option in (*kind.options_with_choices, *filter(None, (kind.relay_option, kind.branch_option))):
        _expect(option in kind.options.base_fields, f"{name} has no option {option}.")
    if kind.branch_option:
        _expect(kind.branch_option in kind.options_with_choices, f"The branches of {name} cannot be listed.")


def check_methods(provider: Provider, secrets: Mapping[str, str]) -> None:
    """What the declarations promise has its method."""

    def overrides(name: str) -> bool:
        return getattr(type(provider), name) is not getattr(Provider, name)

    for name in ("headers", "submit", "poll", "check"):
        _expect(overrides(name), f"{provider.slug} does not define {name}.")
    promised = {
        "projects": provider.lists_projects,
        "choices": any(kind.options_with_choices for kind in provider.kinds),
        "clean_up": any(kind.cleans_up for kind in provider.kinds),
    }
    for name, is_promised in promised.items():
        _expect(overrides(name) or not is_promised, f"{provider.slug} promises {name} and does not define it.")


def check_secrets(provider: Provider, secrets: Mapping[str, str]) -> None:
    """Secrets are checked field by field, and nothing that breaks a header passes."""
    slug = provider.slug
    _expect(provider.secret_problems(secrets) == {}, f"{slug} refuses the secrets of this test: {[*secrets]}.")
    _expect(provider.secret_problems({}), f"{slug} accepts a credential without any secret.")
    _expect("nonsense" in provider.secret_problems({**secrets, "nonsense": "x"}), f"{slug} accepts any field.")
    for name in secrets:
        broken = provider.secret_problems({**secrets, name: "line\nbreak"})
        _expect(name in broken, f"{slug} accepts a line break in {name}, which would end a header.")


def check_status_words(provider: Provider, secrets: Mapping[str, str]) -> None:
    """A word that is not declared is unknown, and the case of letters means nothing."""
    for word in ("ruminating", ""):
        _expect(provider.map_status(word) == "unknown", f"{provider.slug} knows the word {word!r}.")
    for word, state in provider.status_map.items():
        _expect(provider.map_status(word.upper()) == state, f"{provider.slug} reads {word} by its case.")


class _AnyAnswer(Client):
    """A client whose every call is answered with one body, without a network."""

    body: Any = None

    def _call(self, method: str, path: str, **more: Any) -> ApiResponse:
        _expect(path.startswith("/"), f"{self.provider.slug} asks for {path!r}, which is no path below the origin.")
        return ApiResponse(200, self.body, {})


def check_any_answer(provider: Provider, secrets: Mapping[str, str]) -> None:
    """Whatever an API answers, each method returns what the contract says or raises a ProviderError."""
    wanted: Mapping[str, type | tuple[type, ...]] = {
        "prepare": (contract.Ready, contract.NotYet),
        "submit": contract.Accepted,
        "find": (contract.Accepted, contract.Absent, contract.Unknown),
        "poll": contract.Status,
        "preflight": Sequence,
    }
    for kind in provider.kinds:
        for remote_id in ("", "1"):
            job = Job(PROJECT, kind.type, (*kind.formats, formats.NO_FORMAT)[0], remote_id=remote_id)
            for name, types in wanted.items():
                _try_every_body(provider, secrets, name, types, (job,))
    _try_every_body(provider, secrets, "check", Sequence, ())
    _try_every_body(provider, secrets, "projects", Sequence, ())


def _try_every_body(
    provider: Provider, secrets: Mapping[str, str], name: str, types: Any, arguments: tuple[Any, ...]
) -> None:
    for body in BODIES:
        origin = next(iter(provider.origins.values()), "https://service.example")
        client = _AnyAnswer(provider, origin, dict(secrets), AddressGuard())
        client.body = body
        try:
            result = getattr(provider, name)(client, *arguments)
        except ProviderError:
            continue
        except ContractError:
            raise
        except Exception as error:
            raise ContractError(f"{provider.slug}: {name} raises {error!r} on the answer {body!r}.") from error
        _expect(isinstance(result, types), f"{provider.slug}: {name} returns {result!r} on the answer {body!r}.")
        if name == "preflight":
            are_results = all(isinstance(one, contract.PreflightResult) for one in result)
            _expect(are_results, f"{provider.slug}: preflight returns {result!r}, and not PreflightResults.")


def check_source(provider: Provider, secrets: Mapping[str, str]) -> None:
    """Its files are short, and import of the portal and of Django only what belongs to the contract."""
    for path in _files(provider):
        source = path.read_text(encoding="utf-8")
        _expect(len(source.splitlines()) <= MAX_LINES, f"{path.name} has more than {MAX_LINES} lines.")
        for name in _imported(source):
            is_foreign = re.match(r"(exports|portal|django|celery)(\.|$)", name) and not MAY_IMPORT.match(name)
            _expect(not is_foreign, f"{path.name} imports {name}, which is not part of the contract.")


def _files(provider: Provider) -> list[Path]:
    """The provider's module, or all modules of its folder."""
    path = Path(inspect.getfile(type(provider)))
    return sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


CHECKS: Final[tuple[Check, ...]] = (
    check_declaration,
    check_kinds,
    check_methods,
    check_secrets,
    check_status_words,
    check_source,
    check_any_answer,
)


def contract_problems(provider: Provider, secrets: Mapping[str, str]) -> list[str]:
    """What of the contract the provider does not keep, the first sentence of each check; empty if it keeps all of it.

    `secrets`: a set that its credentials may have, by the names of its secret fields; the values need not be true.
    """
    found = []
    for check in CHECKS:
        try:
            check(provider, secrets)
        except ContractError as problem:
            found.append(str(problem))
            if check is check_declaration:
                break
    return found
