"""The names of the realistic team, and what became of its exports."""

from typing import Final

WEEKS: Final = 6
EXPORTS: Final = 200
TIMEZONE: Final = "Europe/Paris"
LONG: Final = "Autumn campaign 2026, second edition with the extended cut for subscribers and their families"
# The provider by what it is for (`realistic_team.provider_for`), the credential's name, its projects' names.
CREDENTIALS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("archives", "Studio account", ("Lighthouse", "Harbour at night", LONG,
                                      "متحف الضوء الافتراضي")),
    ("archives", "Client: Meridian Games", ("Meridian lobby", "Meridian showroom (old)")),
    ("videos", "Marketing videos", ("Welcome video",
                                       "Produkteinführung für Händlerinnen und Händler",
                                       "סרטון הדרכה לעובדים חדשים")),
    ("changing", "Annotation", ("Street signs", "Receipts, round 3", "Shelf photos")),
    ("tables", "Crowdfunding", ("Bakery campaign", "Board game reprint",
                               "Documentary film", "Le petit journal du quartier, saison 2")),
    ("tables", "Crowdfunding of partners", ("Community garden",)),
    ("code", "Build robot", ("platform/billing", "platform/infrastructure-as-code",
                               "design/brand")),
    ("organisations", "Acme organisation", ("Acme", "Acme open source")),
    ("tracker", "Issue tracker", ("Issue tracker",)),
    ("code", "Archive of 2019 (read only)", ("legacy/monolith", "legacy/reports")),
)  # fmt: skip
PEOPLE: Final = (("Camille Durand", "member"), ("Wolfgang Amadeus von Hohenstein-Lichterfelde", "member"),
                 ("نور الهاشمي", "member"), ("Priya Raman", "owner"), ("Tomás Ó Súilleabháin", "viewer"))  # fmt: skip
LOST: Final = "It is not known whether {0} took the request."
ADVICE: Final = "Look at {0}, then follow the job that runs there, or retry."
# Which of the exports, counted back from the newest, failed; code, what was said, the status that the last call got.
FAILURES: Final[dict[int, tuple[str, str, int | None]]] = {
    9: ("unconfirmed", f"{LOST} The list of {{0}} stays without the job. {ADVICE}", 500),
    14: ("provider_failed", "{0} reported: “Export failed: worker ran out of memory (code 137).”", 200),
    16: ("credential", "{0} rejected the token (401).", 401),
    17: ("credential", "{0} rejected the token (401).", 401),
    21: ("bad_file", "The archive breaks off after 18.2 MB, where 40.1 MB were announced.", 206),
    30: ("unconfirmed", f"{LOST} There is the job 70113, which may be another one. {ADVICE}", None),
    41: ("precondition", "{0} reported: “Export is already in progress for this project.”", 409),
    58: ("not_found", "{0} does not know this project (404).", 404),
    77: ("deadline", "The job was still running after 8 h.", 200),
    96: ("rejected", "{0} reported: “scenes: at least one scene is required.”", 422),
    120: ("no_file", "{0} says the job is done, but its link answers 410.", 410),
    150: ("unreadable", "{0} answered a page of HTML where JSON is expected.", 502),
}  # fmt: skip
CANCELED: Final = (23, 64, 110)
RUNNING: Final = 6  # the newest; the last two of them wait
