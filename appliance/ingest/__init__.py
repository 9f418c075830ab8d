"""How scans come in: uploads that resume, manifests, custody receipts, quarantine."""
