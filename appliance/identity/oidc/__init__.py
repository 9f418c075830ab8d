"""OpenID Connect: people who are signed in elsewhere already, by the code flow with PKCE."""
