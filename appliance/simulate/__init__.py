"""Parts and scans with known truth: for the demonstration, for tests, for self-validation."""
