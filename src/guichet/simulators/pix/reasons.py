"""Why the instant payment network (SPI) or a bank in it rejects a Pix: pacs.002 codes.

The codes are ISO 20022's, those that Banco Central's catalogue of messages uses. The receiver
never hears of a rejected Pix; the payer does, in the wallet.
"""

from __future__ import annotations

#: Each code with a sentence for a payer, in English and in Portuguese.
REASONS: dict[str, tuple[str, str]] = {
    "AB03": (
        "The network did not settle the payment in time",
        "O Pix não foi liquidado a tempo pela rede",
    ),
    "AB09": (
        "The payee's bank had a technical problem",
        "A instituição de quem recebe teve um problema técnico",
    ),
    "AB11": (
        "Your bank had a technical problem",
        "Sua instituição teve um problema técnico",
    ),
    "AC03": (
        "The payee's account does not exist",
        "A conta de quem recebe não existe",
    ),
    "AC06": (
        "The payee's account is blocked",
        "A conta de quem recebe está bloqueada",
    ),
    "AC07": (
        "The payee's account is closed",
        "A conta de quem recebe foi encerrada",
    ),
    "AC14": (
        "The payee's account is of a kind that cannot receive Pix",
        "O tipo da conta de quem recebe não aceita Pix",
    ),
    "AG03": (
        "The payee's account does not take this kind of payment",
        "A conta de quem recebe não aceita este tipo de pagamento",
    ),
    "AM02": (
        "The amount is above what the payee's account may receive",
        "O valor está acima do permitido para a conta de quem recebe",
    ),
    "AM04": (
        "There is not enough money in your account",
        "Saldo insuficiente na sua conta",
    ),
    "AM09": (
        "The amount is not the one that was expected",
        "O valor não é o esperado",
    ),
    "AM18": (
        "The network could not read the order",
        "A rede não conseguiu ler a ordem de pagamento",
    ),
    "BE01": (
        "The payee's CPF or CNPJ does not belong to the account",
        "O CPF ou CNPJ de quem recebe não corresponde à conta",
    ),
    "BE17": (
        "The payee's bank refused the QR Code",
        "A instituição de quem recebe recusou o QR Code",
    ),
    "CH11": (
        "The payee's CPF or CNPJ is not valid",
        "O CPF ou CNPJ de quem recebe não é válido",
    ),
    "DS04": (
        "The payee's bank rejected the order",
        "A instituição de quem recebe rejeitou a ordem",
    ),
    "DS0G": (
        "Your bank may not make this payment",
        "Sua instituição não pode fazer este pagamento",
    ),
    "DS27": (
        "A bank is not registered in the network",
        "Uma instituição não está cadastrada na rede",
    ),
    "ED05": (
        "The settlement of the payment failed",
        "A liquidação do pagamento falhou",
    ),
    "RC09": (
        "Your bank's number in the network is not correct",
        "O código da sua instituição na rede não confere",
    ),
    "RC10": (
        "The payee's bank's number in the network is not correct",
        "O código da instituição de quem recebe não confere",
    ),
    "RR04": (
        "Regulation forbids the payment",
        "A regulamentação não permite o pagamento",
    ),
    "SL02": (
        "The payee's bank does not offer this service",
        "A instituição de quem recebe não oferece este serviço",
    ),
}
