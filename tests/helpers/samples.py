"""The answers of every provider: `SAMPLE` in the file `sample.py` of its folder in tests/providers/."""

from importlib import import_module
from pathlib import Path
from typing import Final

from exports.providers.contract import Provider
from exports.providers.registry import PROVIDERS
from tests.helpers.sample import Answers, Sample

FOLDER: Final = Path(__file__).resolve().parent.parent / "providers"

ANSWERS: Final[dict[str, Answers]] = {
    slug: import_module(f"tests.providers.{slug}.sample").SAMPLE
    for slug in PROVIDERS
    if (FOLDER / slug / "sample.py").exists()
}
SAMPLES: Final = {slug: answers for slug, answers in ANSWERS.items() if isinstance(answers, Sample)}
# Those that look for a job after a lost answer, and those whose list proves that there is none.
SEARCHABLE: Final = [slug for slug in SAMPLES if type(PROVIDERS[slug]).find is not Provider.find]
PROVABLE: Final = [slug for slug in SAMPLES if SAMPLES[slug].list]
# Those whose request is never simply sent again.
SENT_ONCE: Final = [slug for slug in SAMPLES if not PROVIDERS[slug].kinds[0].asks_again]
