"""The phone's words in English and French, and its numbers and money as people write them."""

from __future__ import annotations

from decimal import Decimal

from .operators import Operator

LANGUAGES = {"en": "English", "fr": "Français"}

#: English to French. The English texts stand in the templates.
FRENCH = {
    "Simulation": "Simulation",
    "Not a real phone. No real money.": "Ce n’est pas un vrai téléphone. Pas d’argent réel.",
    "A simulated phone for testing. Never type a real PIN here.": (
        "Un téléphone simulé pour les essais. Ne tapez jamais ici un vrai code PIN."
    ),
    "A customer’s phone": "Le téléphone d’un client",
    "Type the number that is asked to pay.": "Tapez le numéro à qui l’on demande de payer.",
    "Phone number": "Numéro de téléphone",
    "Pick up the phone": "Prendre le téléphone",
    "This is not a number of a simulated operator.": (
        "Ce n’est pas un numéro d’un opérateur simulé."
    ),
    "Test numbers:": "Numéros d’essai\u00a0:",
    "Another number": "Un autre numéro",
    "All numbers from this one to": "Tous les numéros de celui-ci au",
    "Payment request": "Demande de paiement",
    "asks you to pay": "vous demande de payer",
    "Reference:": "Référence\u00a0:",
    "Enter your PIN to pay": "Entrez votre code PIN pour payer",
    "Here the PIN is": "Ici, le code PIN est",
    "Pay": "Payer",
    "Refuse": "Refuser",
    "Waits until": "Attend jusqu’à",
    "more request is waiting.": "autre demande attend.",
    "more requests are waiting.": "autres demandes attendent.",
    "No request is waiting.": "Aucune demande n’attend.",
    "This page looks again every few seconds.": (
        "Cette page regarde de nouveau toutes les quelques secondes."
    ),
    "Look again": "Regarder de nouveau",
    "The payment was made.": "Le paiement a été fait.",
    "You refused the payment.": "Vous avez refusé le paiement.",
    "There is not enough money in your wallet. Nothing was paid.": (
        "Votre solde est insuffisant. Rien n’a été payé."
    ),
    "Too late: the request is over.": "Trop tard : la demande est terminée.",
    "Wrong PIN.": "Code PIN incorrect.",
    "tries left": "essais restants",
    "try left": "essai restant",
    "Three wrong PINs: your wallet is blocked.": (
        "Trois codes PIN incorrects : votre compte est bloqué."
    ),
    "Your wallet is blocked.": "Votre compte est bloqué.",
    "Ask customer care to unblock it": "Demander au service client de le débloquer",
    "Your wallet works again.": "Votre compte fonctionne de nouveau.",
    "Money was put into your wallet.": "De l’argent a été versé sur votre compte.",
    "Type the PIN.": "Tapez le code PIN.",
    "Balance": "Solde",
    "Put money in at an agent": "Verser de l’argent chez un agent",
    "History": "Historique",
    "Nothing yet.": "Rien pour le moment.",
    "Payment": "Paiement",
    "Money received": "Argent reçu",
    "Refund": "Remboursement",
    "Cash deposit": "Dépôt d’espèces",
    "to": "à",
    "from": "de",
    "This number has no wallet.": "Ce numéro n’a pas de compte.",
    "Page not found": "Page introuvable",
    "The address is incomplete.": "L’adresse est incomplète.",
}

_NARROW_SPACE = "\u202f"
_SPACE = "\u00a0"
_FRENCH_CURRENCIES = {"XAF": "FCFA", "XOF": "F CFA", "EUR": "€"}


def chosen(asked: str | None, accept_language: str) -> str:
    """The language that was asked for, else the first of ours that the browser prefers."""
    if asked in LANGUAGES:
        return str(asked)
    ranked = []
    for position, part in enumerate(accept_language.split(",")):
        name, _, quality = part.strip().partition(";q=")
        try:
            ranked.append((-float(quality or 1), position, name.split("-")[0].lower()))
        except ValueError:
            continue
    return next((name for _, _, name in sorted(ranked) if name in LANGUAGES), "en")


def said(text: str, language: str) -> str:
    """A text in the language; raises ``KeyError`` for one that nobody translated."""
    return FRENCH[text] if language == "fr" else text


def money(amount: Decimal, operator: Operator, language: str) -> str:
    """``XAF 5,000``, ``5 000 FCFA``; never rounded."""
    digits = f"{abs(amount):,.{operator.places}f}"
    sign = "−" if amount < 0 else ""
    if language == "fr":
        digits = digits.replace(",", _NARROW_SPACE).replace(".", ",")
        unit = _FRENCH_CURRENCIES.get(operator.currency, operator.currency)
        return f"{sign}{digits}{_SPACE}{unit}"
    return f"{sign}{operator.currency}{_SPACE}{digits}"


def grouped(number: str) -> str:
    """``+237 670 000 100``."""
    at = 2 if number.startswith("46") else 3
    rest = number[at:]
    parts = [rest[i : i + 3] for i in range(0, len(rest), 3)]
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [parts[-2] + parts[-1]]
    return _SPACE.join([f"+{number[:at]}", *parts])
