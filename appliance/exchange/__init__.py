"""Measured results that come from elsewhere: read, judged by our rule, recorded with the file as their evidence."""
