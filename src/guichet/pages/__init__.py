"""The pages a payer sees: what is to be paid, the way to the bank and back, the receipt."""
