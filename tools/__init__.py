"""Tools of those who develop the appliance; nothing of it is installed."""
