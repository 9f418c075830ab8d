"""What an installation is told: one frozen record, read once, from one file and the environment."""
