"""How devices come in: one-time codes, keys that they made themselves, and short-lived tokens for those."""
