"""ISO 20022 codes: why a bank rejects a payment, and the names of payment statuses."""

from __future__ import annotations

REASONS = {
    "AC01": "The account number is not correct",
    "AC04": "The account is closed",
    "AC06": "The account is blocked",
    "AC13": "The payer's account is of a kind that cannot make this payment",
    "AG01": "This kind of payment is not allowed on the account",
    "AG02": "The bank does not know this kind of payment",
    "AM02": "The amount is above what is allowed",
    "AM04": "There is not enough money on the account",
    "AM05": "The payment was seen before",
    "AM14": "The amount is above the limit agreed with the bank",
    "BE01": "The name and the account do not belong together",
    "BE04": "The payee's address is missing or wrong",
    "BE05": "The bank does not know who asks for the payment",
    "CUST": "The payer asked to stop the payment",
    "DS02": "A second signatory stopped the payment",
    "DT01": "The date is not valid",
    "DUPL": "The payment is a duplicate of another one",
    "ED05": "The settlement of the payment failed",
    "FF01": "The bank could not read the order",
    "FOCR": "The payment was returned after a recall",
    "FR01": "The bank suspects fraud",
    "MD07": "The account holder has died",
    "MS02": "The payer gave no reason",
    "MS03": "The bank gave no reason",
    "RC01": "The bank's identifier is not correct",
    "RR01": "The payer's account is missing and regulation asks for it",
    "RR02": "The payer's name or address is missing and regulation asks for it",
    "RR03": "The payee's name or address is missing and regulation asks for it",
    "RR04": "Regulation forbids the payment",
    "SL01": "The bank offers no such service for this account",
    "TM01": "The order came after the bank's closing time",
}

STATUS_NAMES = {
    "ACCC": "AcceptedSettlementCompletedCreditorAccount",
    "ACSC": "AcceptedSettlementCompletedDebitorAccount",
    "ACSP": "AcceptedSettlementInProcess",
    "CANC": "Cancelled",
    "PDNG": "Pending",
    "RCVD": "Received",
    "RJCT": "Rejected",
}
