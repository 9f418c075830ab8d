"""The plant: parts, assets, devices, operators; each change audited and told in the transaction that makes it."""
