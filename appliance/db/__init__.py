"""Databases: one for the control plane, one a workspace; queries that know where they belong; migrations."""
