"""The appliance as seen by those who send to it: requests, resumable uploads, receipts."""
