"""The proof that nothing of one workspace shows in another: attempts on two that are thrown away (decision 20)."""
