"""The way of a scan from evidence to verdict, and the way back: replay."""
