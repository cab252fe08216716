"""Orders of a made-up crowdfunding project, as CSV and as XLSX."""

import csv
import io
import random
from collections.abc import Iterator, Mapping
from html import escape

from exports.sandbox.blob import Blob, RepeatedBytes
from exports.sandbox.zips import build_zip_of

ORDER_NOTE = 'Commande fictive; "service de remplacement" (stand-in), not a real order'
ADDRESS_FIELDS = (
    "first_name",
    "last_name",
    "entity_name",
    "address_1",
    "address_2",
    "postal_code",
    "city",
    "state",
    "country",
)
COLUMNS = (
    "order.id",
    *(f"user.{name}" for name in ("username", "lang", "full_name", "email")),
    *(f"shipping_address.{name}" for name in ADDRESS_FIELDS),
    *(f"billing_address.{name}" for name in (*ADDRESS_FIELDS[:3], "type", *ADDRESS_FIELDS[3:])),
    *(f"order.reward.{name}" for name in ("id", "description", "price", "quantity", "total")),
    *(f"order.{name}" for name in ("total", "tracking.source", "tracking.medium", "payment_method", "status")),
    *(f"order.{name}" for name in ("created_at", "note")),
)
# The columns when none were chosen: headers as in files of real projects, and a note that this is a stand-in's file.
DEFAULT_HEADERS = {
    "order.id": "#",
    "user.email": "E-mail",
    "order.total": "Montant unitaire total",
    "shipping_address.state": "Frais de port",
    "order.created_at": "Date de création",
    "order.status": "Statut",
    "order.reward.quantity": "Quantité",
    "order.reward.description": "Titre de la contrepartie",
    "billing_address.first_name": "Prénom de facturation",
    "billing_address.last_name": "Nom de facturation",
    "billing_address.city": "Ville de facturation",
    "billing_address.country": "Pays de facturation",
    "billing_address.postal_code": "Code postal de facturation",
    "shipping_address.first_name": "Prénom de livraison",
    "shipping_address.last_name": "Nom de livraison",
    "shipping_address.city": "Ville de livraison",
    "shipping_address.country": "Pays de livraison",
    "shipping_address.postal_code": "Code postal de livraison",
    "order.note": "Note",
}
FIRST_NAMES = ("Ana", "Bao", "Chloé", "Dimitri", "Elif", "Fatou", "Guus", "Hélène")
LAST_NAMES = ("Test", "Exemple", "Muster", "Prøve", "Ejemplo", "Пример", "例", "O'Sample")
CITIES = (("Paris", "FR", "75011"), ("Liège", "BE", "4000"), ("Genève", "CH", "1204"), ("København", "DK", "1050"))
REWARDS = (("Don libre", 5), ("Le livre", 25), ("Le livre; dédicacé", 40), ('Coffret "collector"', 90))
CONTENT_TYPES = {
    "xml": "application/xml",
    "rels": "application/vnd.openxmlformats-package.relationships+xml",
    "bin": "application/octet-stream",
}
OFFICE_NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SPREADSHEET_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def order_lines(project: str, orders: int = 40) -> Iterator[dict[str, str]]:
    """The reward lines of made-up orders, the same for the same project; some orders have several lines."""
    dice = random.Random(project)  # noqa: S311 - made-up data, not secrets
    for number in range(1, orders + 1):
        first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        city, country, code = dice.choice(CITIES)
        lines = [(*dice.choice(REWARDS), dice.randint(1, 3)) for _ in range(dice.choice((1, 1, 1, 2, 3)))]
        total = sum(price * quantity for _, price, quantity in lines)
        person = {"first_name": first, "last_name": last, "entity_name": "", "type": "personal", "state": ""}
        home = {**person, "address_1": f"{number} rue de l'Essai", "address_2": "", "postal_code": code}
        home |= {"city": city, "country": country}
        common = {
            "order.id": f"{project}{number:05}",
            "user.username": f"stand-in-{number}",
            "user.lang": "fr",
            "user.full_name": f"{first} {last}",
            "user.email": f"stand-in-{number}@example.com",
            **{f"billing_address.{name}": value for name, value in home.items()},
            **{f"shipping_address.{name}": value for name, value in home.items()},
            "order.total": f"{total},00",
            "order.tracking.source": "stand-in",
            "order.tracking.medium": "",
            "order.payment_method": "creditcard",
            "order.status": "Paiement effectué",
            "order.created_at": f"{number % 28 + 1:02}/03/2024 10:{number % 60:02}",
            "order.note": ORDER_NOTE,
        }
        for place, (title, price, quantity) in enumerate(lines):
            yield {
                **common,
                "order.reward.id": str(9000 + place),
                "order.reward.description": title,
                "order.reward.price": f"{price},00",
                "order.reward.quantity": str(quantity),
                "order.reward.total": f"{price * quantity},00",
            }


def order_table(project: str, columns: Mapping[str, str] | None) -> list[list[str]]:
    """Header and rows; `columns` maps column ids to headers, None means the default ones."""
    chosen = columns or DEFAULT_HEADERS
    # The default file has a column for shipping costs, which has no column id of its own.
    costs = {"shipping_address.state": "4,90"} if columns is None else {}
    rows = [[(costs.get(name) or line.get(name, "")) for name in chosen] for line in order_lines(project)]
    return [list(chosen.values()), *rows]


def build_csv(project: str, columns: Mapping[str, str] | None, size: int | None) -> Blob:
    """The orders as CSV with semicolons, quoted fields and a byte order mark; rows are repeated up to `size` bytes."""
    header, *rows = order_table(project, columns)
    top, body = _lines([header]), _lines(rows)
    head = b"\xef\xbb\xbf" + top
    times = max(1, -(-((size or 0) - len(head)) // len(body)))
    return Blob([head, RepeatedBytes(body, times * len(body)) if times > 1 else body])


def _lines(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def build_xlsx(project: str, columns: Mapping[str, str] | None, size: int | None) -> Blob:
    """The orders as a workbook with one sheet; a padding member fills it up to `size` bytes where that is more."""
    lines = "".join(
        f'<row r="{number}">'
        + "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row)
        + "</row>"
        for number, row in enumerate(order_table(project, columns), 1)
    )
    sheet = f'<worksheet xmlns="{_main()}"><sheetData>{lines}</sheetData></worksheet>'
    book = (
        f'<workbook xmlns="{_main()}" xmlns:r="{OFFICE_NAMESPACE}"><sheets>'
        '<sheet name="Orders (stand-in)" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Orders</dc:title>'
        "<dc:description>Made by a stand-in provider, not by the real service</dc:description></cp:coreProperties>"
    )
    kinds = "".join(f'<Default Extension="{name}" ContentType="{value}"/>' for name, value in CONTENT_TYPES.items())
    kinds += f'<Override PartName="/xl/workbook.xml" ContentType="{SPREADSHEET_CONTENT_TYPE}.sheet.main+xml"/>'
    kinds += f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{SPREADSHEET_CONTENT_TYPE}.worksheet+xml"/>'
    kinds += (
        '<Override PartName="/docProps/core.xml" '
        'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
    )
    meta = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
    members = {
        "[Content_Types].xml": f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{kinds}</Types>',
        "_rels/.rels": _links((f"{OFFICE_NAMESPACE}/officeDocument", "xl/workbook.xml"), (meta, "docProps/core.xml")),
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": _links((f"{OFFICE_NAMESPACE}/worksheet", "worksheets/sheet1.xml")),
        "xl/worksheets/sheet1.xml": sheet,
        "docProps/core.xml": core,
    }
    packed = [(name, (XML_DECLARATION + text).encode()) for name, text in members.items()]
    return build_zip_of(packed, size, "stand-in/padding.bin", bytes(range(256)) * 16)


def _main() -> str:
    return "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def _links(*targets: tuple[str, str]) -> str:
    inside = "".join(
        f'<Relationship Id="rId{n}" Type="{kind}" Target="{to}"/>' for n, (kind, to) in enumerate(targets, 1)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inside}</Relationships>'
    )
