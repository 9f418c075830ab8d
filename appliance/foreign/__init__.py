"""Files of strangers: the sandbox in which they are parsed, and the formats that scans and CAD share."""
