"""The columns of Ulule's orders. The ids are Ulule's, the headings the portal's.

Source: https://developers.ulule.com, reference/export.
"""

from typing import Final

from django import forms
from django.core.exceptions import ValidationError

from exports.providers.contract import Preset
from exports.providers.fields import StringMapField

COLUMNS: Final = {
    "order.id": "Order number",
    "order.created_at": "Ordered at",
    "order.status": "Order status",
    "order.total": "Order total",
    "order.payment_method": "Payment method",
    "order.note": "Note",
    "order.reward.id": "Reward number",
    "order.reward.description": "Reward",
    "order.reward.price": "Reward price",
    "order.reward.quantity": "Quantity",
    "order.reward.total": "Reward total",
    "order.tracking.source": "Traffic source",
    "order.tracking.medium": "Traffic medium",
    "user.full_name": "Name",
    "user.email": "Email",
    "user.username": "User name",
    "user.lang": "Language",
    "shipping_address.first_name": "Shipping first name",
    "shipping_address.last_name": "Shipping last name",
    "shipping_address.entity_name": "Shipping company",
    "shipping_address.address_1": "Shipping address",
    "shipping_address.address_2": "Shipping address, line 2",
    "shipping_address.postal_code": "Shipping postal code",
    "shipping_address.city": "Shipping city",
    "shipping_address.state": "Shipping state",
    "shipping_address.country": "Shipping country",
    "billing_address.first_name": "Billing first name",
    "billing_address.last_name": "Billing last name",
    "billing_address.entity_name": "Billing company",
    "billing_address.type": "Billing type",
    "billing_address.address_1": "Billing address",
    "billing_address.address_2": "Billing address, line 2",
    "billing_address.postal_code": "Billing postal code",
    "billing_address.city": "Billing city",
    "billing_address.state": "Billing state",
    "billing_address.country": "Billing country",
}


def _preset(name: str, label: str, help_: str, *columns: str) -> Preset:
    """A preset of the columns whose ids begin with one of these."""
    chosen = {id_: heading for id_, heading in COLUMNS.items() if id_.startswith(columns)}
    return Preset(name, label, help_, {"columns": chosen})


PRESETS: Final = (
    _preset("all", "All columns", "All 36 columns, with headings that people understand.", ""),
    _preset(
        "shipping",
        "Shipping labels",
        "What is sent to whom: reward, quantity and shipping address.",
        *("order.id", "order.note", "order.reward.description", "order.reward.quantity"),
        *("user.full_name", "user.email", "shipping_address"),
    ),
    _preset(
        "accounting",
        "Accounting",
        "What was paid when, how and by whom: totals, payment and billing address.",
        *("order.id", "order.created_at", "order.status", "order.total", "order.payment_method"),
        *("order.reward", "user.email", "billing_address"),
    ),
)


class OrdersOptions(forms.Form):
    columns = StringMapField(
        label="Columns",
        known=COLUMNS,
        required=False,
        help_text="Choose the columns of the file, and what stands above each. None chosen: all 36, with Ulule's own"
        " headings, which were seen in French.",
    )

    def clean_columns(self) -> dict[str, str]:
        columns: dict[str, str] = self.cleaned_data["columns"]
        if unknown := [name for name in columns if name not in COLUMNS]:
            raise ValidationError(f"Ulule has no column {', '.join(unknown)[:200]}; its page on exports lists all 36.")
        return columns
