"""Accounts of the appliance's own: for plants without a directory, and for the day when the directory is down."""
