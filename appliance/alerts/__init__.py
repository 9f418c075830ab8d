"""Alerts: what rules find in a workspace, raised once a cause, acknowledged with a reason, closed when it is gone."""
