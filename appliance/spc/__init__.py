"""Statistics of processes: charts, run rules, capability, trends, gauge studies, exact sums and sketches."""
