"""The gate to Redis: jobs by name, events as they happen.  The only importer of redis and rq.

The databases are the truth and Redis is disposable: it keeps nothing on disk, and an emptied or unreachable one
costs a delay, never a row.  What a lost queue left behind is queued again from the databases (``reconcile``).
"""
