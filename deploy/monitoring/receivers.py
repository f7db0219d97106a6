"""Alertmanager's file with whom it tells, from what `.env` says. Needs nothing but Python.

ESCOLTA_ALERTS_WEBHOOK  https://…: is sent each alert, by Alertmanager's webhook
ESCOLTA_ALERTS_EMAIL    an address that is written to, by the server that
ESCOLTA_ALERTS_SMTP     names: smtp://user:password@host:587

Without either nobody is told; what fires stands in Alertmanager and in Grafana until it is over.
"""

import json
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit


def with_receivers(text: str, settings: Mapping[str, str]) -> str:
    """`text`, which ends in the receiver that lacks addresses, with those of the settings.

    Raises ValueError for a webhook that is no URL, and for an address without a server.
    """
    lines = []
    if webhook := settings.get("ESCOLTA_ALERTS_WEBHOOK", ""):
        if not webhook.startswith(("http://", "https://")):
            raise ValueError("ESCOLTA_ALERTS_WEBHOOK: write https://…")
        lines.append(f"    webhook_configs: [{json.dumps({'url': webhook})}]\n")
    if address := settings.get("ESCOLTA_ALERTS_EMAIL", ""):
        sent_by = _sent_by(settings.get("ESCOLTA_ALERTS_SMTP", ""), address)
        lines.append(f"    email_configs: [{json.dumps(sent_by)}]\n")
    return text + "".join(lines)


def _sent_by(url: str, address: str) -> dict[str, str]:
    """An e-mail to the address, as Alertmanager's `email_configs` have it; JSON is YAML, too."""
    server = urlsplit(url)
    if server.scheme != "smtp" or not server.hostname:
        raise ValueError(
            "ESCOLTA_ALERTS_SMTP: write smtp://user:password@host:587, or no address of an e-mail"
        )
    sent = {"to": address, "from": address, "smarthost": f"{server.hostname}:{server.port or 587}"}
    if not server.username:
        return sent
    login = {"auth_username": unquote(server.username), "auth_password": unquote(server.password or "")}
    return sent | login
