"""The names of the realistic team, and what became of its exports."""

from typing import Final

WEEKS: Final = 6
EXPORTS: Final = 200
TIMEZONE: Final = "Europe/Paris"
LONG: Final = "Autumn campaign 2026, second edition with the extended cut for subscribers and their families"
# Provider, credential's name, its projects: id at the provider, name here.
CREDENTIALS: Final[tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]] = (
    ("playcanvas", "Studio account", (("100001", "Lighthouse"), ("100002", "Harbour at night"), ("100003", LONG),
                                      ("100004", "متحف الضوء الافتراضي"))),
    ("playcanvas", "Client: Meridian Games", (("200001", "Meridian lobby"), ("200002", "Meridian showroom (old)"))),
    ("aistudios", "Marketing videos", (("65fa6b07dca2e367461a2925", "Welcome video"),
                                       ("65fa6b07dca2e367461a2926", "Produkteinführung für Händlerinnen und Händler"),
                                       ("65fa6b07dca2e367461a2927", "סרטון הדרכה לעובדים חדשים"))),
    ("toloka", "Annotation", (("10", "Street signs"), ("11", "Receipts, round 3"), ("12", "Shelf photos"))),
    ("ulule", "Crowdfunding", (("4001", "Bakery campaign"), ("4002", "Board game reprint"),
                               ("4003", "Documentary film"), ("4004", "Le petit journal du quartier, saison 2"))),
    ("ulule", "Crowdfunding of partners", (("4005", "Community garden"),)),
    ("gitlab", "Build robot", (("5001", "platform/billing"), ("5002", "platform/infrastructure-as-code"),
                               ("5003", "design/brand"))),
    ("github", "Acme organisation", (("orgs/acme", "Acme"), ("orgs/many", "Acme open source"))),
    ("youtrack", "Issue tracker", (("database", "Issue tracker"),)),
    ("gitlab", "Archive of 2019 (read only)", (("5004", "legacy/monolith"), ("5005", "legacy/reports"))),
)  # fmt: skip
PEOPLE: Final = (("Camille Durand", "member"), ("Wolfgang Amadeus von Hohenstein-Lichterfelde", "member"),
                 ("نور الهاشمي", "member"), ("Priya Raman", "owner"), ("Tomás Ó Súilleabháin", "viewer"))  # fmt: skip
LOST: Final = "It is not known whether {0} took the request."
LOOK: Final = "Look at {0}, then follow the job that runs there, or retry."
# Which of the exports, counted back from the newest, failed; code, what was said, the status that the last call got.
FAILURES: Final[dict[int, tuple[str, str, int | None]]] = {
    9: ("unconfirmed", f"{LOST} {{0}} answered 500 without a job's id. {LOOK}", 500),
    14: ("provider_failed", "{0} reported: “Export failed: worker ran out of memory (code 137).”", 200),
    16: ("credential", "{0} rejected the token (401).", 401),
    17: ("credential", "{0} rejected the token (401).", 401),
    21: ("bad_file", "The archive breaks off after 18.2 MB, where 40.1 MB were announced.", 206),
    30: ("unconfirmed", f"{LOST} The connection was closed after 30 s. {LOOK}", None),
    41: ("precondition", "{0} reported: “Export is already in progress for this project.”", 409),
    58: ("not_found", "{0} does not know this project (404).", 404),
    77: ("deadline", "The job was still running after 8 h.", 200),
    96: ("rejected", "{0} reported: “scenes: at least one scene is required.”", 422),
    120: ("no_file", "{0} says the job is done, but its link answers 410.", 410),
    150: ("unreadable", "{0} answered a page of HTML where JSON is expected.", 502),
}  # fmt: skip
CANCELED: Final = (23, 64, 110)
RUNNING: Final = 6  # the newest; the last two of them wait
