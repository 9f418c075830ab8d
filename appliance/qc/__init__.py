"""Quality control: quantities from the deviation field, their uncertainty, and the decision."""
