"""MTN Mobile Money: the MoMo API's Collection and Disbursement products."""
