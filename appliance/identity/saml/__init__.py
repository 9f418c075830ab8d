"""SAML 2.0: people who are signed in elsewhere already, by assertions that their provider signs."""
