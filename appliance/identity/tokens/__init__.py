"""Tokens: personal ones for people who script, and short-lived ones that keys and sessions are exchanged for."""
