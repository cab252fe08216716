"""A notification as a mail: a text and an HTML part with the same facts and one link."""

from email.utils import make_msgid
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string

from exports.notify.notification import BAD, GOOD, NEUTRAL, TONE_MARKS, WARNING, Notification
from exports.portal_url import portal_url

# Of the word above the heading, on white; the template has the lighter ones for dark mode.
COLORS: Final = {GOOD: "#11693a", BAD: "#b01e26", WARNING: "#7a4f01", NEUTRAL: "#555866"}


def build_mail(
    notification: Notification, to: str, message_id: str, why: str, choices_path: str = "/profile/#mails"
) -> EmailMultiAlternatives:
    """The mail, not sent yet. `message_id` without domain; `choices_path`: where the reader chooses what is mailed."""
    base = portal_url()
    context = {
        "notification": notification,
        "mark": TONE_MARKS[notification.tone],
        "color": COLORS[notification.tone],
        "preheader": " ".join(notification.sentences),
        "label_width": max((len(fact.label) for fact in notification.facts), default=0),
        "why": why,
        "choices_url": f"{base}{choices_path}" if base else "",
    }
    text = render_to_string("mail/notification.txt", context)
    mail = EmailMultiAlternatives(notification.title, text, to=[to], connection=get_connection())
    mail.attach_alternative(render_to_string("mail/notification.html", context), "text/html")
    domain = settings.PUBLIC_HOST if settings.PUBLIC_URL else make_msgid().rpartition("@")[2].rstrip(">")
    mail.extra_headers = {"Message-ID": f"<{message_id}@{domain or 'export-portal'}>"}
    return mail
