"""The wallet's sentences in Portuguese and English, and how it writes amounts and moments.

English is the key. The templates say ``t("…")``; a test sees to it that each has its Portuguese.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

#: Brasília: no summer time since 2019.
_BRASILIA = timezone(timedelta(hours=-3))
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_LANGUAGE = re.compile(r"\s*([a-zA-Z*]{1,8})[\w-]*\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")

PORTUGUESE = {
    # Every page
    "Simulation": "Simulação",
    "Not a real bank. No real money.": "Não é um banco de verdade. Nenhum dinheiro de verdade.",
    "Pix wallet": "Carteira Pix",
    "Pay": "Pagar",
    "Activity": "Extrato",
    "Progress": "Andamento",
    "Code": "Código",
    "Payment": "Pagamento",
    "Confirm": "Confirmar",
    "Back": "Voltar",
    "Continue": "Continuar",
    "A simulated wallet for testing. Never type a real PIN or password here.": (
        "Uma carteira simulada, para testes. Nunca digite aqui uma senha de verdade."
    ),
    # Reading a code
    "Pay with Pix": "Pagar com Pix",
    "Paste the code, or choose a picture of the QR Code.": (
        "Cole o código ou escolha uma imagem do QR Code."
    ),
    "Pix Copia e Cola": "Pix Copia e Cola",
    "or": "ou",
    "Picture of the QR Code": "Imagem do QR Code",
    "PNG or JPEG, a photo or a screenshot": "PNG ou JPEG, foto ou captura de tela",
    "Read the code": "Ler o código",
    "There is no code yet. Paste it, or choose a picture.": (
        "Ainda não há código. Cole o código ou escolha uma imagem."
    ),
    "This is not a Pix code.": "Este não é um código Pix.",
    "The code is damaged: a part is missing or was changed. Copy it again, all of it.": (
        "O código está danificado: falta uma parte ou algo foi alterado. Copie-o de novo, inteiro."
    ),
    "The code lacks the payee's name, city or account.": (
        "Faltam no código o nome, a cidade ou a conta de quem recebe."
    ),
    "The code belongs to another bank, which this simulation cannot reach.": (
        "O código é de outra instituição, que esta simulação não alcança."
    ),
    "The Pix key is not registered at this simulated bank.": (
        "A chave Pix não está cadastrada neste banco simulado."
    ),
    "The charge behind this code is gone: the simulation was restarted. Ask for a new code.": (
        "A cobrança deste código não existe mais: a simulação foi reiniciada. Peça um novo código."
    ),
    "The file is not a PNG or JPEG picture.": "O arquivo não é uma imagem PNG ou JPEG.",
    "The picture is too large. Six megabytes are the most.": (
        "A imagem é grande demais. O máximo são seis megabytes."
    ),
    "There is no QR Code in the picture. Try a sharper one, or paste the code.": (
        "Não há QR Code na imagem. Tente outra mais nítida ou cole o código."
    ),
    "There are several QR Codes in the picture. Choose one with a single code.": (
        "Há vários QR Codes na imagem. Escolha uma com um só código."
    ),
    # The payment
    "Check the payment": "Confira o pagamento",
    "To": "Para",
    "City": "Cidade",
    "Bank": "Instituição",
    "Key": "Chave",
    "For": "Referente a",
    "Issued to": "Emitida para",
    "Valid until": "Válida até",
    "Amount in reais": "Valor em reais",
    "Type an amount like 12,50.": "Digite um valor como 12,50.",
    "Pay from": "Pagar com",
    "Account {number}": "Conta {number}",
    "Balance": "Saldo",
    "Choose a bank.": "Escolha uma instituição.",
    "Test options": "Opções de teste",
    "What should happen": "O que deve acontecer",
    "Payments": "Pagamentos",
    "Rejected by the network": "Rejeitado pela rede",
    "Another amount than asked": "Outro valor que o pedido",
    "Cancel": "Cancelar",
    # Obstacles
    "This code has expired": "Este código expirou",
    "It was valid until {moment}. Ask for a new code.": (
        "Valia até {moment}. Peça um novo código."
    ),
    "This charge is already paid": "Esta cobrança já foi paga",
    "Nothing more to do: it was paid before.": "Nada mais a fazer: ela já foi paga.",
    "This charge was withdrawn": "Esta cobrança foi retirada",
    "Whoever asked for the money does not want it any more.": (
        "Quem cobrou não quer mais este pagamento."
    ),
    "A real bank stops here. As a test you can pay all the same.": (
        "Um banco de verdade para aqui. Para testar, você pode pagar mesmo assim."
    ),
    "Pay anyway (test)": "Pagar mesmo assim (teste)",
    "Read another code": "Ler outro código",
    # Confirming
    "Confirm the Pix": "Confirme o Pix",
    "From": "De",
    "When": "Quando",
    "Now": "Agora",
    "Fee": "Tarifa",
    "PIN": "Senha de 4 dígitos",
    "Any four digits will do; 0000 is always wrong.": (
        "Quaisquer quatro dígitos servem; 0000 é sempre errado."
    ),
    "That PIN is wrong. Tries left: {count}.": "Senha incorreta. Tentativas restantes: {count}.",
    "Pay {amount}": "Pagar {amount}",
    "Refuse": "Recusar",
    # Done
    "Pix sent": "Pix enviado",
    "Pix sent twice": "Pix enviado duas vezes",
    "Your Pix is under review": "Seu Pix está em análise",
    "The money is on its way. This page looks again by itself.": (
        "O dinheiro está a caminho. Esta página se atualiza sozinha."
    ),
    "Look again": "Atualizar",
    "Transaction": "ID da transação",
    "Date": "Data",
    "The Pix was not made": "O Pix não foi feito",
    "The network rejected it with code {code}. Nothing was taken from your account.": (
        "A rede rejeitou o pagamento com o código {code}. Nada saiu da sua conta."
    ),
    "Try again": "Tentar de novo",
    "You refused this payment": "Você recusou este pagamento",
    "Nothing was taken from your account.": "Nada saiu da sua conta.",
    "Your PIN is blocked": "Sua senha está bloqueada",
    "There were too many wrong tries. Nothing was taken from your account.": (
        "Foram tentativas erradas demais. Nada saiu da sua conta."
    ),
    # Returns and claims
    "Money back": "Devoluções",
    "Return": "Devolução",
    "Returned by the shop": "Devolvido pela loja",
    "Returned after a claim for fraud": "Devolvido pelo MED, por fraude",
    "Returned after a claim for an error": "Devolvido pelo MED, por falha operacional",
    "under way": "em processamento",
    "received": "recebido",
    "not made": "não realizada",
    "Something is wrong with this Pix?": "Algo errado com este Pix?",
    "Your bank can claim the money back (Mecanismo Especial de Devolução). In this simulation it "
    "always succeeds, at once.": (
        "Sua instituição pode pedir o dinheiro de volta (Mecanismo Especial de Devolução). Nesta "
        "simulação o pedido é sempre aceito, na hora."
    ),
    "Reason": "Motivo",
    "Fraud": "Fraude",
    "Error of a bank": "Falha operacional",
    "Amount to claim": "Valor a contestar",
    "Claim the money back": "Contestar e pedir devolução",
    "So much is not left of this Pix.": "Não resta tanto deste Pix.",
    "A claim can be made within 80 days.": "A contestação é possível por até 80 dias.",
    # Activity
    "What this wallet sent and got back": "O que esta carteira enviou e recebeu de volta",
    "Nothing yet.": "Nada ainda.",
    "Pay the first code": "Pagar o primeiro código",
    # Lost
    "Page not found": "Página não encontrada",
    "We do not know this page": "Não conhecemos esta página",
    "The address is incomplete, or the simulated wallet was restarted and forgot it.": (
        "O endereço está incompleto, ou a carteira simulada foi reiniciada e o esqueceu."
    ),
}


@dataclass(frozen=True, slots=True)
class Words:
    """One language of the wallet: ``pt`` or ``en``."""

    language: str

    @property
    def tag(self) -> str:
        """The language as HTML names it."""
        return "pt-BR" if self.language == "pt" else "en"

    def t(self, text: str, **values: object) -> str:
        """A sentence in this language, its ``{places}`` filled."""
        found = PORTUGUESE[text] if self.language == "pt" else text
        return found.format(**values) if values else found

    def either(self, english: str, portuguese: str) -> str:
        return portuguese if self.language == "pt" else english

    def money(self, cents: int) -> str:
        """``R$ 1.234,56`` or ``R$1,234.56``."""
        text = f"{cents // 100:,}.{cents % 100:02}"
        if self.language == "pt":
            return f"R$\N{NO-BREAK SPACE}{text.translate(str.maketrans(',.', '.,'))}"
        return f"R${text}"

    def moment(self, moment: datetime) -> str:
        """A moment in Brasília: ``26/11/2026 às 14:05`` or ``26 November 2026, 14:05``."""
        there = moment.astimezone(_BRASILIA)
        if self.language == "pt":
            return f"{there:%d/%m/%Y} às {there:%H:%M}"
        return f"{there.day} {_MONTHS[there.month - 1]} {there:%Y, %H:%M}"


def words_for(accept_language: str) -> Words:
    """The first language of the browser that the wallet speaks; English for want of one."""
    wishes: list[tuple[float, str]] = []
    for part in accept_language[:200].split(","):
        found = _LANGUAGE.fullmatch(part)
        if found is not None:
            wishes.append((float(found[2] or 1), found[1].lower()))
    wishes.sort(key=lambda wish: -wish[0])
    for quality, language in wishes:
        if quality > 0 and language in {"pt", "en"}:
            return Words(language)
    return Words("en")
