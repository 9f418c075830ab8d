"""Questions about many measurements: what degrades, what breaks limits, how capable, who differs, what else."""
